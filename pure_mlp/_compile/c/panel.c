/* Add to tile, or begin it with, the sum over p of a[r][p] b[p][v]: rows of a, two vectors of columns, in registers. b lies in panels. */
INLINE void panel_REAL(const int rows, long k, const REAL *a, long ai, long ap, const REAL *b, REAL *tile, int begin)
{
    const long lanes = sizeof(REAL_whole) / sizeof(REAL);
    REAL_whole sum[MOST][2];
    UNROLL
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = (REAL_whole){0};
    for (long p = 0; p < k; p++) {
        const REAL_whole x = *(const REAL_whole *)(b + 2 * p * lanes), y = *(const REAL_whole *)(b + (2 * p + 1) * lanes);
        UNROLL
        for (int r = 0; r < rows; r++) {
            sum[r][0] += a[r * ai + p * ap] * x;
            sum[r][1] += a[r * ai + p * ap] * y;
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int v = 0; v < 2; v++) {
            REAL_whole *const t = (REAL_whole *)(tile + (2 * r + v) * lanes);
            *t = begin ? sum[r][v] : *t + sum[r][v];
        }
}

/* c = alpha tile + beta old, for a tile of `rows` rows of which `columns` columns count. */
INLINE void finish_REAL(
    long rows, long columns, const REAL *tile, const REAL *old, long oi, long oj, REAL beta, REAL *c, long ci, long cj, REAL alpha)
{
    const long lanes = sizeof(REAL_whole) / sizeof(REAL);
    if (columns == 2 * lanes && cj == 1 && (oj == 1 || beta == 0))
        for (long r = 0; r < rows; r++)
            UNROLL
            for (int v = 0; v < 2; v++) {
                REAL_whole y = alpha * *(const REAL_whole *)(tile + (2 * r + v) * lanes);
                if (beta != 0)
                    y += beta * *(const REAL_whole *)(old + r * oi + v * lanes);
                *(REAL_whole *)(c + r * ci + v * lanes) = y;
            }
    else
        for (long v = 0; v < columns; v++)
            for (long r = 0; r < rows; r++) {
                const REAL y = alpha * tile[2 * r * lanes + v];
                c[r * ci + v * cj] = beta != 0 ? y + beta * old[r * oi + v * oj] : y;
            }
}

/* `count` lines of x of `width` elements each, behind one another; where there are fewer than `width`, zeros. */
INLINE void pack_REAL(long count, const long width, long present, const REAL *x, const long down, const long right, REAL *out)
{
    if (present < width)
        for (long p = 0; p < count; p++)
            for (long j = 0; j < width; j++)
                out[p * width + j] = j < present ? x[p * down + j * right] : 0;
    else if (right == 1)
        for (long p = 0; p < count; p++)
            for (long j = 0; j < width; j++)
                out[p * width + j] = x[p * down + j];
    else
        for (long q = 0; q < count; q += 16) { /* a line of the cache of each column; four are read before any is written */
            const long end = q + 16 < count ? q + 16 : count, fours = width / 4 * 4;
            for (long j = 0; j < fours; j += 4)
                for (long p = q; p < end; p++) {
                    const REAL *const from = x + p * down + j * right;
                    const REAL first = from[0], second = from[right], third = from[2 * right], fourth = from[3 * right];
                    REAL *const to = out + p * width + j;
                    to[0] = first, to[1] = second, to[2] = third, to[3] = fourth;
                }
            for (long j = fours; j < width; j++)
                for (long p = q; p < end; p++)
                    out[p * width + j] = x[p * down + j * right];
        }
}
