/* c = alpha b a + beta c in the eyes of BLAS, which counts down columns. */
typedef void blas_REAL_t(const char *, const char *, const int *, const int *, const int *, const REAL *, const REAL *, const int *,
                         const REAL *, const int *, const REAL *, REAL *, const int *);
static void blas_REAL(blas_REAL_t *gemm, char tb, char ta, int n, int m, int k, int lb, int la, int lc,
                      const REAL *b, const REAL *a, REAL *c, REAL alpha, REAL beta)
{
    gemm(&tb, &ta, &n, &m, &k, &alpha, b, &lb, a, &la, &beta, c, &lc);
}
