// One pass over the bytes of a weight file, each thread its own part, for compare.py's --roofline: a step cannot be
// faster. The file is held in huge pages. A pass for several rows also makes the integer products that the weights of
// Llama 3.2 1B's shape need, with one scale per 32 weights and nothing else; those need AVX-512 VNNI.
//
//   read_pass FILE THREADS REPEATS [ROWS,..]
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#ifdef __AVX512VNNI__
#include <immintrin.h>
#endif

// A tile is 16 outputs by 32 inputs; a strip is the tiles of 2,048 inputs.
enum { PASSES = 5, HUGE_PAGE = 2 << 20, SLACK = 8192, VALUES = 1235746816, TILE = 16 * 32, STRIP = 64, GROUP = 10, MAX_ROWS = 64 };

typedef struct {
    const uint8_t *from;
    size_t len;
    int rows;
    uint64_t sum;
} Part;

static double bytes_per_tile;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static uint64_t read_bytes(const uint8_t *bytes, size_t len) {
    const uint64_t *words = (const uint64_t *)bytes;
    uint64_t sums[16] = {0}, sum = 0;
    for (size_t i = 0; i + 16 <= len / 8; i += 16) {
        __builtin_prefetch(words + i + 256);
        __builtin_prefetch(words + i + 264);
        for (int lane = 0; lane < 16; lane++) sums[lane] += words[i + lane];
    }
    for (int lane = 0; lane < 16; lane++) sum += sums[lane];
    return sum;
}

#ifdef __AVX512VNNI__
static int32_t inputs[STRIP * 8 * MAX_ROWS];

// Adds 64 products with four inputs that are broadcast by the same instruction, which compilers make two.
static inline __attribute__((always_inline)) __m512i add_products(__m512i sum, __m512i weights, const int32_t *four) {
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(weights), "m"(*four));
    return sum;
}

// The products of one strip with `rows` rows: eight loads of weights a tile, spread over the bytes that it has.
static inline __attribute__((always_inline)) float products(const uint8_t *strip, const int32_t *input, const int rows) {
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512 sums[GROUP];
    for (int row = 0; row < rows; row++) sums[row] = _mm512_setzero_ps();
    const int stride = (int)(bytes_per_tile / 8);
    for (int tile = 0; tile < STRIP; tile++) {
        const uint8_t *bytes = strip + (int)(tile * bytes_per_tile);
        __m512i integers[GROUP];
        for (int row = 0; row < rows; row++) integers[row] = _mm512_setzero_si512();
        for (int c = 0; c < 8 * stride; c += 64) __builtin_prefetch(bytes + 2048 + c);
#pragma GCC unroll 8
        for (int load = 0; load < 8; load++, input += rows) {
            __m512i weights = _mm512_and_si512(_mm512_loadu_si512(bytes + load * stride), nibble);
#pragma GCC unroll 10
            for (int row = 0; row < rows; row++)
                integers[row] = add_products(integers[row], weights, input + row);
        }
        __m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)bytes));
#pragma GCC unroll 10
        for (int row = 0; row < rows; row++)
            sums[row] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(integers[row]), scale, sums[row]);
    }
    __m512 sum = sums[0];
    for (int row = 1; row < rows; row++) sum = _mm512_add_ps(sum, sums[row]);
    return _mm512_reduce_add_ps(sum);
}

static uint64_t multiply(const uint8_t *bytes, size_t len, int rows) {
    const size_t strip = (size_t)(bytes_per_tile * STRIP);
    float sum = 0;
    for (size_t at = 0; at + strip <= len; at += strip)
        for (int row = 0; row < rows; row += GROUP)
            switch (rows - row < GROUP ? rows - row : GROUP) {
#define ROWS(n) case n: sum += products(bytes + at, inputs + row * STRIP * 8, n); break;
                ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8) ROWS(9) ROWS(10)
            }
    return (uint64_t)(int64_t)sum;
}
enum { HAS_PRODUCTS = 1 };
#else
static uint64_t multiply(const uint8_t *bytes, size_t len, int rows) { return (void)rows, read_bytes(bytes, len); }
enum { HAS_PRODUCTS = 0 };
#endif

static void *run_part(void *argument) {
    Part *part = argument;
    part->sum += part->rows == 1 ? read_bytes(part->from, part->len) : multiply(part->from, part->len, part->rows);
    return NULL;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint8_t *load(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) return perror(path), NULL;
    *len = ftell(file);
    rewind(file);
    size_t room = (*len + SLACK + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uint8_t *bytes = aligned_alloc(HUGE_PAGE, room);
    if (!bytes) return perror("memory for the file"), NULL;
    madvise(bytes, room, MADV_HUGEPAGE);
    if (fread(bytes, 1, *len, file) != *len) return perror(path), NULL;
    fclose(file);
    return bytes;
}

static double pass(const uint8_t *bytes, size_t len, int threads, int rows, uint64_t *sum) {
    Part parts[threads];
    pthread_t ids[threads];
    size_t share = len / threads / 128 * 128;
    double start = now();
    for (int t = 0; t < threads; t++) {
        parts[t] = (Part){bytes + t * share, share, rows, 0};
        if (pthread_create(&ids[t], NULL, run_part, &parts[t])) exit((perror("pthread_create"), 1));
    }
    for (int t = 0; t < threads; t++) pthread_join(ids[t], NULL), *sum += parts[t].sum;
    return now() - start;
}

int main(int argc, char **argv) {
    int threads = argc > 3 ? atoi(argv[2]) : 0, passes = argc > 3 ? PASSES * atoi(argv[3]) : 0;
    if (threads < 1 || passes < 1) return fprintf(stderr, "usage: read_pass FILE THREADS REPEATS [ROWS,..]\n"), 2;
    size_t len;
    uint8_t *bytes = load(argv[1], &len);
    if (!bytes) return 1;
    bytes_per_tile = (double)len * TILE / VALUES;
    double *ms = calloc(passes, sizeof *ms);
    uint64_t sum = 0;
    for (char *rows = strtok(argc > 4 ? argv[4] : (char[]){"1"}, ","); rows; rows = strtok(NULL, ",")) {
        int n = atoi(rows);
        if (n < 1 || n > MAX_ROWS) return fprintf(stderr, "rows: 1 to %d, not %s\n", MAX_ROWS, rows), 2;
        if (n > 1 && !HAS_PRODUCTS) {
            fprintf(stderr, "no pass of %d rows: its products are written for AVX-512 VNNI\n", n);
            continue;
        }
        for (int i = 0; i < passes; i++) ms[i] = pass(bytes, len, threads, n, &sum);
        qsort(ms, passes, sizeof *ms, ascending);
        printf("B=%2d: min %.1f ms med %.1f ms, %.1f GB/s, %.0f GOP/s at best\n", n, ms[0], ms[passes / 2], len * 1e-6 / ms[0],
               2e-6 * VALUES * n / ms[0]);
    }
    return fprintf(stderr, "(sum %llu)\n", (unsigned long long)sum), 0;
}
