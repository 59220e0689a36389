/* A block of at most FEW rows and 2 columns of PART vectors of c, which stays in registers while p runs; all rows of such a column; and
   that column where b is first copied, DEPTH rows at a time, because its rows are not contiguous or lie far apart. The sum over p is whole
   before old is added; beta = 0 does not read old, which may be c itself. The first `done` columns of c are left as they are. */
INLINE void block_REAL_PART(
    int rows, int columns, long k, const REAL *a, long ai, long ap, const REAL *b, long bp,
    const REAL *old, long oi, REAL beta, REAL *c, long ci, REAL alpha, int done)
{
    const int lanes = sizeof(REAL_PART) / sizeof(REAL);
    REAL_PART sum[FEW][2];
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int v = 0; v < columns; v++)
            sum[r][v] = (REAL_PART){0};
    for (long p = 0; p < k; p++)
        UNROLL
        for (int v = 0; v < columns; v++) {
            const REAL_PART x = *(const REAL_PART *)(b + p * bp + v * lanes);
            UNROLL
            for (int r = 0; r < rows; r++)
                sum[r][v] += a[r * ai + p * ap] * x;
        }
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int v = 0; v < columns; v++) {
            REAL_PART y = alpha * sum[r][v];
            if (beta != 0)
                y += beta * *(const REAL_PART *)(old + r * oi + v * lanes);
            if (done && v == 0)
                memcpy(c + r * ci + done, (REAL *)&y + done, (lanes - done) * sizeof(REAL));
            else
                *(REAL_PART *)(c + r * ci + v * lanes) = y;
        }
}

INLINE void rows_REAL_PART(
    long m, int columns, long k, const REAL *a, long ai, long ap, const REAL *b, long bp,
    const REAL *old, long oi, REAL beta, REAL *c, long ci, REAL alpha, int done)
{
    long i = 0;
    for (; i + FEW <= m; i += FEW)
        block_REAL_PART(FEW, columns, k, a + i * ai, ai, ap, b, bp, old + i * oi, oi, beta, c + i * ci, ci, alpha, done);
    if (i < m)
        block_REAL_PART(m % FEW, columns, k, a + i * ai, ai, ap, b, bp, old + i * oi, oi, beta, c + i * ci, ci, alpha, done);
}

INLINE void column_REAL_PART(
    long m, int columns, long k, const REAL *a, long ai, long ap, const REAL *b, long bp, long bj,
    const REAL *old, long oi, REAL beta, REAL *c, long ci, REAL alpha, int done)
{
    const long width = columns * sizeof(REAL_PART) / sizeof(REAL);
    REAL copy[DEPTH * width];
    if (k <= DEPTH) {
        const int near = bj == 1 && k * bp * sizeof(REAL) <= NEAR;
        if (!near)
            for (long p = 0; p < k; p++)
                for (long v = 0; v < width; v++)
                    copy[p * width + v] = b[p * bp + v * bj];
        rows_REAL_PART(m, columns, k, a, ai, ap, near ? b : copy, near ? bp : width, old, oi, beta, c, ci, alpha, done);
        return;
    }
    enum { STRIP = 8 * FEW };
    REAL part[STRIP * width];
    double sum[STRIP * width];
    for (long i = 0; i < m; i += STRIP) {
        const long height = m - i < STRIP ? m - i : STRIP;
        for (long q = 0; q < k; q += DEPTH) {
            const long depth = k - q < DEPTH ? k - q : DEPTH;
            for (long p = 0; p < depth; p++)
                for (long v = 0; v < width; v++)
                    copy[p * width + v] = b[(q + p) * bp + v * bj];
            rows_REAL_PART(height, columns, depth, a + i * ai + q * ap, ai, ap, copy, width, 0, 0, 0, part, width, 1, 0);
            for (long e = 0; e < height * width; e++)
                sum[e] = q ? sum[e] + part[e] : part[e];
        }
        for (long r = 0; r < height; r++)
            for (long v = done; v < width; v++) {
                const REAL s = alpha * (REAL)sum[r * width + v];
                c[(i + r) * ci + v] = beta != 0 ? s + beta * old[(i + r) * oi + v] : s;
            }
    }
}

