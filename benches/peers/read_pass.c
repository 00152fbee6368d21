// One pass of reading over as many bytes as the weights of Llama 3.2 1B take at 8.5, 4.5 or 16 bits,
// each thread its own part, for compare.py's --roofline: one row cannot be decoded faster.
//
//   read_pass 8|4|16 THREADS REPEATS
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PASSES = 5, VALUES = 1235746816, HUGE_PAGE = 2 << 20 };

typedef struct {
    const uint64_t *from;
    size_t len;
    uint64_t sum;
} Part;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void *read_part(void *argument) {
    Part *part = argument;
    uint64_t sums[16] = {0};
    for (size_t i = 0; i < part->len; i += 16) {
        __builtin_prefetch(part->from + i + 256);
        __builtin_prefetch(part->from + i + 264);
        for (int lane = 0; lane < 16; lane++) sums[lane] += part->from[i + lane];
    }
    for (int lane = 0; lane < 16; lane++) part->sum += sums[lane];
    return NULL;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: read_pass 8|4|16 THREADS REPEATS\n"), 2;
    int format = atoi(argv[1]), threads = atoi(argv[2]), passes = PASSES * atoi(argv[3]);
    double bits = format == 8 ? 8.5 : format == 4 ? 4.5 : 16;
    if (threads < 1 || passes < 1) return fprintf(stderr, "at least 1 thread and 1 repeat\n"), 2;
    size_t len = (size_t)(VALUES * bits / 64) / threads / 16 * 16; // words of a thread
    size_t bytes = (len * threads + 272) * sizeof(uint64_t);
    uint64_t *words = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
    if (!words) return fprintf(stderr, "no memory for %zu bytes\n", bytes), 1;
    madvise(words, bytes, MADV_HUGEPAGE);
    memset(words, 1, bytes);

    double *ms = calloc(passes, sizeof *ms);
    Part *parts = calloc(threads, sizeof *parts);
    pthread_t *ids = calloc(threads, sizeof *ids);
    uint64_t sum = 0;
    for (int pass = 0; pass < passes; pass++) {
        double start = now();
        for (int t = 0; t < threads; t++) {
            parts[t] = (Part){words + t * len, len, 0};
            if (pthread_create(&ids[t], NULL, read_part, &parts[t])) return perror("pthread_create"), 1;
        }
        for (int t = 0; t < threads; t++) pthread_join(ids[t], NULL), sum += parts[t].sum;
        ms[pass] = now() - start;
    }
    qsort(ms, passes, sizeof *ms, ascending);
    printf("B= 1: min %.1f ms med %.1f ms, %.1f GB/s at best (sum %llu)\n", ms[0], ms[passes / 2],
           len * threads * 8e-6 / ms[0], (unsigned long long)sum);
    return 0;
}
