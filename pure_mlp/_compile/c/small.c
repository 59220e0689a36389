/* c = alpha a b + beta old where all is near: sizes (m, n, k) and strides are constants of the caller, rows of old and c contiguous. Columns
   are done in vectors as wide as fit, the widest two at a time. */
INLINE void small_REAL(
    long m, long n, long k, const REAL *a, long ai, long ap, const REAL *b, long bp, long bj,
    const REAL *old, long oi, REAL beta, REAL *c, long ci, REAL alpha)
{
    const long whole = sizeof(REAL_whole) / sizeof(REAL), half = sizeof(REAL_half) / sizeof(REAL);
    const long quarter = sizeof(REAL_quarter) / sizeof(REAL);
    long j = 0;
    for (; n - j >= 2 * whole; j += 2 * whole)
        column_REAL_whole(m, 2, k, a, ai, ap, b + j * bj, bp, bj, old + j, oi, beta, c + j, ci, alpha);
    for (; n - j >= whole; j += whole)
        column_REAL_whole(m, 1, k, a, ai, ap, b + j * bj, bp, bj, old + j, oi, beta, c + j, ci, alpha);
    for (; n - j >= half; j += half)
        column_REAL_half(m, 1, k, a, ai, ap, b + j * bj, bp, bj, old + j, oi, beta, c + j, ci, alpha);
    for (; n - j >= quarter; j += quarter)
        column_REAL_quarter(m, 1, k, a, ai, ap, b + j * bj, bp, bj, old + j, oi, beta, c + j, ci, alpha);
    for (; n - j >= 2; j += 2)
        column_REAL_single(m, 2, k, a, ai, ap, b + j * bj, bp, bj, old + j, oi, beta, c + j, ci, alpha);
    if (n > j)
        column_REAL_single(m, 1, k, a, ai, ap, b + j * bj, bp, bj, old + j, oi, beta, c + j, ci, alpha);
}
