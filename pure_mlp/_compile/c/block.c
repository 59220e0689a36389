/* A block of at most ROWS rows and 2 columns of PART vectors of c, which stays in registers while p runs; all rows of such a column; and
   that column where b is first copied, DEPTH rows at a time, because its rows are not contiguous or lie far apart. */
static inline __attribute__((always_inline)) void block_REAL_PART(
    int rows, int columns, long k, const REAL *a, long ai, long ap, const REAL *b, long bp,
    const REAL *old, long oi, REAL beta, REAL *c, long ci, REAL alpha)
{
    const int lanes = sizeof(REAL_PART) / sizeof(REAL);
    REAL_PART sum[ROWS][2];
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
            *(REAL_PART *)(c + r * ci + v * lanes) = y;
        }
}

static inline __attribute__((always_inline)) void rows_REAL_PART(
    long m, int columns, long k, const REAL *a, long ai, long ap, const REAL *b, long bp,
    const REAL *old, long oi, REAL beta, REAL *c, long ci, REAL alpha)
{
    long i = 0;
    for (; i + ROWS <= m; i += ROWS)
        block_REAL_PART(ROWS, columns, k, a + i * ai, ai, ap, b, bp, old + i * oi, oi, beta, c + i * ci, ci, alpha);
    if (i < m)
        block_REAL_PART(m % ROWS, columns, k, a + i * ai, ai, ap, b, bp, old + i * oi, oi, beta, c + i * ci, ci, alpha);
}

static inline __attribute__((always_inline)) void column_REAL_PART(
    long m, int columns, long k, const REAL *a, long ai, long ap, const REAL *b, long bp, long bj,
    const REAL *old, long oi, REAL beta, REAL *c, long ci, REAL alpha)
{
    const long width = columns * sizeof(REAL_PART) / sizeof(REAL);
    if (bj == 1 && k * bp * sizeof(REAL) <= NEAR) {
        rows_REAL_PART(m, columns, k, a, ai, ap, b, bp, old, oi, beta, c, ci, alpha);
        return;
    }
    REAL copy[DEPTH * width];
    for (long q = 0; q < k; q += DEPTH) {
        const long depth = k - q < DEPTH ? k - q : DEPTH;
        for (long p = 0; p < depth; p++)
            for (long v = 0; v < width; v++)
                copy[p * width + v] = b[(q + p) * bp + v * bj];
        rows_REAL_PART(m, columns, depth, a + q * ap, ai, ap, copy, width, q ? c : old, q ? ci : oi, q ? 1 : beta, c, ci, alpha);
    }
}

