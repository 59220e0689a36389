/* c = alpha b a + beta c in the eyes of BLAS, which counts down columns; sizes are read rightly as 32 bits too, where the lower come first. */
typedef void blas_REAL_t(const char *, const char *, const long long *, const long long *, const long long *, const REAL *, const REAL *,
                         const long long *, const REAL *, const long long *, const REAL *, REAL *, const long long *);
static void blas_REAL(blas_REAL_t *gemm, char tb, char ta, long long n, long long m, long long k, long long lb, long long la, long long lc,
                      const REAL *b, const REAL *a, REAL *c, REAL alpha, REAL beta)
{
    gemm(&tb, &ta, &n, &m, &k, &alpha, b, &lb, a, &la, &beta, c, &lc);
}
