/* exp, log, log1p and tanh in float, within two units in the last place, from operations of which a compiler makes vectors: libm's are calls,
   one an element. Infinities, NaN and subnormal numbers are treated as libm treats them. */
INLINE float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

INLINE uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* x = n ln 2 + r with |r| < 0.35: a series for e^r, times 2^n in two factors, each of which is a normal number */
INLINE float exp_float(float x)
{
    const float most = x > 89 ? 89 : x, y = most < -104 ? -104 : most;
    const float nearest = y * 1.44269504f + 12582912; /* 1.5 * 2^23: its last bits are n */
    const float n = nearest - 12582912, r = y - n * 0.693359375f + n * 2.12194440e-4f;
    const float series = 1.f / 2 + r * (1.f / 6 + r * (1.f / 24 + r * (1.f / 120 + r * (1.f / 720 + r * (1.f / 5040)))));
    const int32_t power = (int32_t)(bits_of(nearest) - 0x4b400000u), half = power >> 1;
    const float first = float_of((uint32_t)(half + 127) << 23), second = float_of((uint32_t)(power - half + 127) << 23);
    return (1 + (r + r * r * series)) * first * second;
}

/* x = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)): a series in s = f / (2 + f) */
INLINE float log_float(float x)
{
    const int tiny = x < 1.17549435e-38f;
    const uint32_t bits = bits_of(tiny ? x * 8388608 : x);
    const int32_t power = (int32_t)(bits - 0x3f3504f3u) >> 23;
    const float n = (float)(tiny ? power - 23 : power), f = float_of(bits - ((uint32_t)power << 23)) - 1;
    const float s = f / (2 + f), z = s * s, square = f * f / 2;
    const float series = z * (2.f / 3 + z * (2.f / 5 + z * (2.f / 7 + z * (2.f / 9))));
    const float y = n * 0.693359375f - ((square - (s * (square + series) - n * 2.12194440e-4f)) - f);
    const float special = x == 0 ? -INFINITY : x < 0 ? NAN : x; /* infinity and NaN are their own logarithms */
    return x > 0 && x < INFINITY ? y : special;
}

/* log(1 + x), and what the rounding of 1 + x has lost */
INLINE float log1p_float(float x)
{
    const float u = 1 + x, lost = (x - (u - 1)) / u;
    return x == 0 ? x : log_float(u) + (u > 0 && u < INFINITY ? lost : 0);
}

/* near 0 by its continued fraction, elsewhere 1 - 2 / (e^2x + 1) */
INLINE float tanh_float(float x)
{
    const float z = x * x, below = 135135 + z * (62370 + z * (3150 + z * 28));
    const float near = x * (1 - z * (45045 + z * (2772 + z * 27)) / below);
    const float far = copysignf(1 - 2 / (exp_float(2 * fabsf(x)) + 1), x);
    return fabsf(x) < 0.9f ? near : far;
}

/* the table of operations writes these names */
#define expf exp_float
#define logf log_float
#define log1pf log1p_float
#define tanhf tanh_float
