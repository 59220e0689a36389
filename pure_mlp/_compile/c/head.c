#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define VECTOR 64
#define FEW 8
#elif defined(__AVX__)
#define VECTOR 32
#define FEW 4
#else
#define VECTOR 16
#define FEW 4
#endif
#define NEAR 65536 /* bytes that stay in the cache */
#define DEPTH 256  /* terms of a sum that are added up one after another; longer sums are sums of such sums */
#define PIECE(k) (VECTOR / k < 16 ? 16 : VECTOR / k)
#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
