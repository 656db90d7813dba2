/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdlib.h>

#include <libsmartcols.h>

#include "i18n.h"

#define TABLE_COLUMNS_MAX 12

struct table {
        struct libscols_table *scols;
        struct libscols_line *line;                         /* borrowed from scols: the last one */
        struct libscols_column *columns[TABLE_COLUMNS_MAX]; /* NULL: dropped, too narrow */
        size_t n_lines;
};

static int add_column(struct table *table, size_t i, const struct column *column)
{
        int flags = 0;

        if (column->min_width > output_width() && output_is_terminal())
                return 0;
        if (column->flags & COLUMN_RIGHT)
                flags |= SCOLS_FL_RIGHT;
        if (column->flags & COLUMN_CUT)
                flags |= SCOLS_FL_TRUNC;
        table->columns[i] = scols_table_new_column(table->scols, _(column->title), 0, flags);
        return table->columns[i] ? 0 : -1;
}

struct table *table_new(const struct column *columns, size_t n_columns)
{
        OWNED(table) struct table *table = calloc(1, sizeof(*table));

        if (!table)
                return NULL;
        table->scols = scols_new_table();
        if (!table->scols)
                return NULL;
        (void)scols_table_enable_colors(table->scols, output_has_color());
        /* The library asks the terminal itself; COLUMNS= and pipes are decided here. */
        (void)scols_table_set_termforce(table->scols, output_is_terminal() ? SCOLS_TERMFORCE_ALWAYS
                                                                           : SCOLS_TERMFORCE_NEVER);
        (void)scols_table_set_termwidth(table->scols, output_width());
        for (size_t i = 0; i < n_columns && i < TABLE_COLUMNS_MAX; i++)
                if (add_column(table, i, &columns[i]) < 0)
                        return NULL;
        return TAKE(table);
}

struct table *table_free(struct table *table)
{
        if (!table)
                return NULL;
        scols_unref_table(table->scols);
        free(table);
        return NULL;
}

void table_line(struct table *table)
{
        table->line = scols_table_new_line(table->scols, NULL);
        table->n_lines++;
}

void table_cell_styled(struct table *table, size_t column, const char *text, enum style style)
{
        struct libscols_cell *cell;

        if (!table->line || !table->columns[column])
                return;
        cell = scols_line_get_column_cell(table->line, table->columns[column]);
        if (!cell)
                return;
        (void)scols_cell_set_data(cell, text && *text ? text : "-"); /* out of memory: empty */
        if (style != STYLE_NONE && output_has_color())
                (void)scols_cell_set_color(cell, output_style(style));
}

void table_cell(struct table *table, size_t column, const char *text)
{
        table_cell_styled(table, column, text, STYLE_NONE);
}

size_t table_print(struct table *table)
{
        if (table->n_lines > 0)
                (void)scols_print_table(table->scols); /* stdout's error is asked at the end */
        return table->n_lines;
}
