/* c = alpha a b + beta old where all is near: sizes (m, n, k) and strides are constants of the caller, rows of old and c contiguous. Columns
   are done in vectors as wide as fit, the widest two at a time; the last vector ends with the row, and begins in columns that are done. */
#define COLUMNS(PART, count, done) column_REAL_##PART(m, count, k, a, ai, ap, b + j * bj, bp, bj, old + j, oi, beta, c + j, ci, alpha, done)
#define LAST(PART, count) \
    if (n >= count * (long)(sizeof(REAL_##PART) / sizeof(REAL))) { \
        const long width = count * sizeof(REAL_##PART) / sizeof(REAL); \
        for (; n - j > width; j += width) \
            COLUMNS(PART, count, 0); \
        const int done = width - (n - j); \
        j = n - width; \
        COLUMNS(PART, count, done); \
        return; \
    }
INLINE void small_REAL(
    long m, long n, long k, const REAL *a, long ai, long ap, const REAL *b, long bp, long bj,
    const REAL *old, long oi, REAL beta, REAL *c, long ci, REAL alpha)
{
    const long whole = sizeof(REAL_whole) / sizeof(REAL);
    long j = 0;
    for (; n - j > 2 * whole; j += 2 * whole)
        COLUMNS(whole, 2, 0);
    if (n - j > whole)
        LAST(whole, 2)
    LAST(whole, 1)
    LAST(half, 1)
    LAST(quarter, 1)
    for (; n - j >= 2; j += 2)
        COLUMNS(single, 2, 0);
    if (j < n)
        COLUMNS(single, 1, 0);
}
#undef COLUMNS
#undef LAST
