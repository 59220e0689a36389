/* c = alpha a b + beta old where sizes are large. b, and a unless it is read where it lies, are copied into panels; then tiles of c are
   computed, a group of strips of rows by one panel of columns at a time, each by one thread. Sums over more than DEEP terms are kept in
   `sums` between its parts, so that every sum is whole before old is added. A strip is a function of its own: with the loops around it
   in sight, gcc moves some of its sums to the stack. */
static __attribute__((noinline)) void NAME_strip(long k, const REAL *a, const REAL *b, REAL *tile, int begin)
{
    enum { SIZES };
    panel_REAL(ROWS, k, a, DIRECT ? AI : 1, DIRECT ? AP : ROWS, b, tile, begin);
}

static __attribute__((noinline)) void NAME_last(long k, const REAL *a, const REAL *b, REAL *tile, int begin)
{
    enum { SIZES };
    panel_REAL(M - (M - 1) / ROWS * ROWS, k, a, DIRECT ? AI : 1, DIRECT ? AP : ROWS, b, tile, begin);
}

static void NAME(const REAL *a, const REAL *b, const REAL *old, REAL beta, REAL *c, REAL alpha, REAL *scratch, int threads)
{
    enum { SIZES };
    enum {
        WIDTH = 2 * sizeof(REAL_whole) / sizeof(REAL), PANELS = (N + WIDTH - 1) / WIDTH, STRIPS = (M + ROWS - 1) / ROWS,
        LAST = M - (STRIPS - 1) * ROWS, DEEP = K < 2048 ? K : 2048, CHUNK = 384, GROUP = 16
    };
    REAL *const bs = scratch, *const as = bs + (long)PANELS * WIDTH * DEEP, *const sums = as + (DIRECT ? 0 : (long)STRIPS * ROWS * DEEP);
    for (long s = 0; s < K; s += DEEP) {
        const long deep = K - s < DEEP ? K - s : DEEP;
        #pragma omp parallel num_threads(threads)
        {
            #pragma omp for
            for (long j = 0; j < PANELS; j++)
                pack_REAL(deep, WIDTH, N - j * WIDTH, b + s * BP + j * WIDTH * BJ, BP, BJ, bs + j * WIDTH * DEEP);
            if (!DIRECT) {
                #pragma omp for
                for (long i = 0; i < STRIPS; i++)
                    pack_REAL(deep, ROWS, M - i * ROWS, a + s * AP + i * ROWS * AI, AP, AI, as + i * ROWS * DEEP);
            }
            #pragma omp for collapse(2)
            for (long g = 0; g < STRIPS; g += GROUP)
                for (long j = 0; j < PANELS; j++) {
                    REAL tiles[GROUP][MOST * WIDTH] __attribute__((aligned(VECTOR)));
                    const long end = g + GROUP < STRIPS ? g + GROUP : STRIPS, columns = N - j * WIDTH < WIDTH ? N - j * WIDTH : WIDTH;
                    for (long q = 0; q < deep; q += CHUNK) {
                        const long depth = deep - q < CHUNK ? deep - q : CHUNK;
                        const int last = q + depth == deep, whole = s + deep == K;
                        for (long i = g; i < end; i++) {
                            const REAL *const x = DIRECT ? a + (s + q) * AP + i * ROWS * AI : as + i * ROWS * DEEP + q * ROWS;
                            const long rows = i < STRIPS - 1 ? ROWS : LAST;
                            REAL *const tile = tiles[i - g], *const sum = sums + i * ROWS * N + j * WIDTH;
                            if (last && whole && CJ == 1) /* the tile's memory comes while its sums are made */
                                for (long r = 0; r < rows; r++)
                                    for (long v = 0; v < WIDTH; v += 64 / sizeof(REAL))
                                        __builtin_prefetch(c + (i * ROWS + r) * CI + j * WIDTH + v, 1);
                            (rows == ROWS ? NAME_strip : NAME_last)(depth, x, bs + j * WIDTH * DEEP + q * WIDTH, tile, !q);
                            if (last && s)
                                for (long r = 0; r < rows; r++)
                                    for (long v = 0; v < columns; v++)
                                        tile[r * WIDTH + v] += sum[r * N + v];
                            if (last && whole)
                                finish_REAL(rows, columns, tile, old + i * ROWS * OI + j * WIDTH * OJ, OI, OJ, beta,
                                            c + i * ROWS * CI + j * WIDTH * CJ, CI, CJ, alpha);
                            else if (last)
                                finish_REAL(rows, columns, tile, 0, 0, 0, 0, sum, N, 1, 1);
                        }
                    }
                }
        }
    }
}
