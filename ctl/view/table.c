/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "ctl/i18n.h"

#define TABLE_COLUMNS_MAX 12
#define CELL_BYTES_MAX    1024 /* a terminal of 250 columns, 4 bytes each */
#define CUT_COLUMNS_MIN   8    /* so much of a cell is still recognised */

struct table {
        struct libscols_table *scols;
        struct libscols_line *line;                         /* borrowed from scols: the last one */
        struct libscols_column *columns[TABLE_COLUMNS_MAX]; /* NULL: dropped, too narrow */
        size_t widths[TABLE_COLUMNS_MAX]; /* of the longest cell, or of the title */
        bool may_cut[TABLE_COLUMNS_MAX];
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
        table->widths[i] = output_columns(_(column->title), strlen(_(column->title)));
        table->may_cut[i] = column->flags & COLUMN_CUT;
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
        text = text && *text ? text : "-";
        table->widths[column] = MAX(table->widths[column], output_columns(text, strlen(text)));
        (void)scols_cell_set_data(cell, text); /* out of memory: empty */
        if (style != STYLE_NONE && output_has_color())
                (void)scols_cell_set_color(cell, output_style(style));
}

void table_cell(struct table *table, size_t column, const char *text)
{
        table_cell_styled(table, column, text, STYLE_NONE);
}

/* The column that gives a character away, TABLE_COLUMNS_MAX when none can. */
static size_t find_widest(const struct table *table)
{
        size_t widest = TABLE_COLUMNS_MAX, width = CUT_COLUMNS_MIN;

        for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++) {
                if (!table->columns[i] || !table->may_cut[i] || table->widths[i] <= width)
                        continue;
                widest = i;
                width = table->widths[i];
        }
        return widest;
}

static void cut_cell(struct libscols_cell *cell, size_t width)
{
        const char *text = cell ? scols_cell_get_data(cell) : NULL;
        const char *mark = output_is_utf8() ? "…" : "...";
        size_t keep = 0, n = output_columns(mark, strlen(mark));
        char cut[CELL_BYTES_MAX];

        if (!text || output_columns(text, strlen(text)) <= width)
                return;
        while (text[keep] && output_columns(text, keep + 1) <= width - n)
                keep++;
        (void)snprintf(cut, sizeof(cut), "%.*s%s", (int)keep, text, mark);
        (void)scols_cell_set_data(cell, cut);
}

/* The library cuts without a mark: what is not whole must not look so. */
static void cut_columns(struct table *table)
{
        size_t n_columns = 0, total = 0, widest;
        struct libscols_line *line;

        for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++) {
                n_columns += table->columns[i] != NULL;
                total += table->columns[i] ? table->widths[i] : 0;
        }
        total += n_columns - 1; /* a blank between each two */
        for (; total > output_width(); total--) {
                widest = find_widest(table);
                if (widest == TABLE_COLUMNS_MAX)
                        break;
                table->widths[widest]--;
        }
        for (size_t l = 0; l < table->n_lines; l++) {
                line = scols_table_get_line(table->scols, l);
                for (size_t i = 0; line && i < TABLE_COLUMNS_MAX; i++)
                        if (table->columns[i] && table->may_cut[i])
                                cut_cell(scols_line_get_column_cell(line, table->columns[i]),
                                         table->widths[i]);
        }
}

size_t table_print(struct table *table)
{
        if (table->n_lines > 0 && output_is_terminal())
                cut_columns(table);
        if (table->n_lines > 0)
                (void)scols_print_table(table->scols); /* stdout's error is asked at the end */
        return table->n_lines;
}
