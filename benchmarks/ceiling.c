/* What the machine can do: copy, triad, float32 multiply and add apart and fused, 32 x 32 -> 64 products.
   Each thread works in its own registers or on its own part of the arrays; Python takes the time. */

#include <stddef.h>
#include <stdint.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#define CHAINS 8 /* vectors in flight: enough to hide the latency of an operation */
#define LANES 16
#define EACH _Pragma("GCC unroll 8") for (int c = 0; c < CHAINS; c++)

typedef float Floats __attribute__((vector_size(4 * LANES)));

/* STREAM's copy and triad (McCalpin), float32. */
void copy(float *restrict to, const float *restrict from, size_t n) {
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; i++) to[i] = from[i];
}

void triad(float *restrict to, const float *restrict a, const float *restrict b, size_t n) {
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; i++) to[i] = a[i] + 3.0f * b[i];
}

/* a: 1, b: 0, which the compiler does not know, so that no number grows or dies. Each returns something of
   its result, so that nothing is left out. Operations: threads x steps x CHAINS x LANES. */
double fused(int threads, long steps, float a, float b) {
    double out = 0;
#pragma omp parallel for reduction(+ : out) schedule(static, 1)
    for (int t = 0; t < threads; t++) {
        Floats x[CHAINS], factor = a - (Floats){0}, term = b - (Floats){0};
        EACH x[c] = term + (float)(c + t);
        for (long s = 0; s < steps; s++) EACH x[c] = x[c] * factor + term;
        EACH out += x[c][0];
    }
    return out;
}

/* Half of the chains multiply, half add. */
double plain(int threads, long steps, float a, float b) {
    double out = 0;
#pragma omp parallel for reduction(+ : out) schedule(static, 1)
    for (int t = 0; t < threads; t++) {
        Floats x[CHAINS], factor = a - (Floats){0}, term = b - (Floats){0};
        EACH x[c] = term + (float)(c + t);
        for (long s = 0; s < steps; s++) EACH x[c] = c % 2 ? x[c] * factor : x[c] + term;
        EACH out += x[c][0];
    }
    return out;
}

/* Philox's products. Work: threads x steps x CHAINS x products_at_once(). */
#if defined(__AVX512F__)
typedef __m512i Words;
#define MULTIPLY(x, y) _mm512_mul_epu32(x, y)
#define FILL(x) _mm512_set1_epi64(x)
#elif defined(__AVX2__)
typedef __m256i Words;
#define MULTIPLY(x, y) _mm256_mul_epu32(x, y)
#define FILL(x) _mm256_set1_epi64x(x)
#else
typedef uint64_t Words;
#define MULTIPLY(x, y) ((uint64_t)(uint32_t)(x) * (uint32_t)(y))
#define FILL(x) ((uint64_t)(x))
#endif

int products_at_once(void) { return sizeof(Words) / 8; }

double products(int threads, long steps, uint32_t factor) {
    double out = 0;
#pragma omp parallel for reduction(+ : out) schedule(static, 1)
    for (int t = 0; t < threads; t++) {
        Words x[CHAINS], y = FILL(factor);
        EACH x[c] = FILL(c + t + 1);
        for (long s = 0; s < steps; s++) EACH x[c] = MULTIPLY(x[c], y);
        EACH out += (double)*(uint64_t *)&x[c];
    }
    return out;
}
