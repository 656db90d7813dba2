/* SPDX-License-Identifier: MIT */
/*
 * Exact decimals. All arithmetic is checked; whatever does not fit 64 bits is -ERANGE, never wrong.
 */
#include "decimal.h"

#include <errno.h>
#include <string.h>

static const int64_t power_of_ten[] = {
        1,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
};

int decimal_parse(struct slice text, struct decimal *ret)
{
        struct decimal value = { 0 };
        bool negative = slice_at(text, 0) == '-';
        size_t at = negative || slice_at(text, 0) == '+';
        size_t digits = 0;
        bool point = false;

        for (; at < text.len; at++) {
                uint8_t c = text.data[at];

                if (c == '.' && !point) {
                        point = true;
                        continue;
                }
                if (c < '0' || c > '9')
                        break;
                if (__builtin_mul_overflow(value.mantissa, 10, &value.mantissa) ||
                    __builtin_add_overflow(value.mantissa, c - '0', &value.mantissa))
                        return -ERANGE;
                digits++;
                if (point && --value.exponent < -DECIMAL_EXPONENT_MAX)
                        return -ERANGE;
        }
        if (digits == 0)
                return -EINVAL;
        if (negative)
                value.mantissa = -value.mantissa;
        *ret = value;
        return (int)at;
}

/* The digits of |mantissa| without sign, right-aligned in buf; returns the first one's index. */
static size_t print_digits(int64_t mantissa, char buf[static 20])
{
        uint64_t left = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa;
        size_t at = 20;

        do {
                buf[--at] = (char)('0' + left % 10);
                left /= 10;
        } while (left);
        return at;
}

size_t decimal_print(struct decimal value, char buf[static DECIMAL_TEXT_MAX])
{
        char digits[20];
        size_t first = print_digits(value.mantissa, digits);
        size_t n = sizeof(digits) - first;
        size_t at = 0;

        if (value.mantissa < 0)
                buf[at++] = '-';
        if (value.exponent >= 0) {
                size_t zeros = value.mantissa ? (size_t)value.exponent : 0;

                memcpy(buf + at, digits + first, n);
                for (at += n; zeros > 0; zeros--) /* few, and mostly none */
                        buf[at++] = '0';
        } else {
                size_t fraction = (size_t)-value.exponent;

                if (n > fraction) {
                        memcpy(buf + at, digits + first, n - fraction);
                        at += n - fraction;
                } else {
                        buf[at++] = '0';
                }
                buf[at++] = '.';
                for (; fraction > n; fraction--)
                        buf[at++] = '0';
                memcpy(buf + at, digits + sizeof(digits) - fraction, fraction);
                at += fraction;
        }
        buf[at] = '\0';
        return at;
}

size_t decimal_print_float(struct decimal value, char buf[static DECIMAL_TEXT_MAX])
{
        size_t n;

        /* Python prints the shortest form: 230.10 is 230.1, and 230.00 is 230.0. */
        while (value.exponent < -1 && value.mantissa % 10 == 0) {
                value.mantissa /= 10;
                value.exponent++;
        }
        n = decimal_print(value, buf);
        if (value.exponent >= 0) {
                memcpy(buf + n, ".0", 3);
                n += 2;
        }
        return n;
}

int decimal_shift(struct decimal value, int by, struct decimal *ret)
{
        int exponent = value.exponent + by;

        if (exponent < -DECIMAL_EXPONENT_MAX || exponent > DECIMAL_EXPONENT_MAX)
                return -ERANGE;
        *ret = (struct decimal){ value.mantissa, (int8_t)exponent };
        return 0;
}

void decimal_trim(struct decimal *value)
{
        while (value->mantissa != 0 && value->mantissa % 10 == 0 &&
               value->exponent < DECIMAL_EXPONENT_MAX) {
                value->mantissa /= 10;
                value->exponent++;
        }
        if (value->mantissa == 0)
                value->exponent = 0;
}

/* mantissa × 10^by without loss; -ERANGE when it does not fit. */
static int scale_up(int64_t mantissa, int by, int64_t *ret)
{
        if (mantissa == 0) {
                *ret = 0;
                return 0;
        }
        if (by >= (int)(sizeof(power_of_ten) / sizeof(power_of_ten[0])))
                return -ERANGE;
        return __builtin_mul_overflow(mantissa, power_of_ten[by], ret) ? -ERANGE : 0;
}

int decimal_to_whole(struct decimal value, int exponent, int64_t *ret)
{
        int by = value.exponent - exponent;

        if (by >= 0)
                return scale_up(value.mantissa, by, ret);
        for (; by < 0 && value.mantissa != 0; by++)
                value.mantissa /= 10;
        *ret = value.mantissa;
        return 0;
}

/* Both on the smaller of the two exponents. */
static int align(struct decimal *a, struct decimal *b)
{
        struct decimal *coarse = a->exponent > b->exponent ? a : b;
        struct decimal *fine = coarse == a ? b : a;
        int r;

        if (a->exponent == b->exponent)
                return 0;
        r = scale_up(coarse->mantissa, coarse->exponent - fine->exponent, &coarse->mantissa);
        if (r < 0)
                return r;
        coarse->exponent = fine->exponent;
        return 0;
}

int decimal_compare(struct decimal a, struct decimal b)
{
        struct decimal x = a, y = b;

        if (align(&x, &y) < 0) {
                /* The coarser one is beyond 64 bits on the finer scale: its sign decides. */
                if (a.exponent > b.exponent)
                        return a.mantissa < 0 ? -1 : 1;
                return b.mantissa < 0 ? 1 : -1;
        }
        return (x.mantissa > y.mantissa) - (x.mantissa < y.mantissa);
}

int decimal_add(struct decimal a, struct decimal b, struct decimal *ret)
{
        struct decimal sum;
        int r;

        r = align(&a, &b);
        if (r < 0)
                return r;
        sum.exponent = a.exponent;
        if (__builtin_add_overflow(a.mantissa, b.mantissa, &sum.mantissa))
                return -ERANGE;
        *ret = sum;
        return 0;
}

int decimal_subtract(struct decimal a, struct decimal b, struct decimal *ret)
{
        if (b.mantissa == INT64_MIN)
                return -ERANGE;
        b.mantissa = -b.mantissa;
        return decimal_add(a, b, ret);
}

double decimal_to_double(struct decimal value)
{
        double x = (double)value.mantissa;

        /* One division or multiplication by an exact power of ten rounds once, correctly. */
        if (value.exponent < 0)
                return x / (double)power_of_ten[-value.exponent];
        return x * (double)power_of_ten[value.exponent];
}
