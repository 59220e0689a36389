#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define VECTOR 64
#define ROWS 8
#elif defined(__AVX__)
#define VECTOR 32
#define ROWS 4
#else
#define VECTOR 16
#define ROWS 4
#endif
#define NEAR 65536 /* bytes that stay in the cache */
#define DEPTH 256
#define PIECE(k) (VECTOR / k < 16 ? 16 : VECTOR / k)
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

