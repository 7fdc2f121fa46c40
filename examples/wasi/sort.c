/* Sorts numbers with a heap: those it is given as arguments, or else those on standard input, one a line. */
#include <stdio.h>
#include <stdlib.h>

static void sift(double *heap, size_t root, size_t end) {
    for (size_t child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && heap[child] < heap[child + 1]) child++;
        if (heap[root] >= heap[child]) return;
        double larger = heap[child];
        heap[child] = heap[root];
        heap[root] = larger;
    }
}

static void sort(double *heap, size_t count) {
    for (size_t root = count / 2; root-- > 0;) sift(heap, root, count);
    for (size_t end = count; end-- > 1;) {
        double largest = heap[0];
        heap[0] = heap[end];
        heap[end] = largest;
        sift(heap, 0, end);
    }
}

int main(int argc, char **argv) {
    size_t count = 0, room = 16;
    double *numbers = malloc(room * sizeof *numbers), number;
    for (int at = 1;;) {
        if (argc > 1) {
            char *end;
            if (at == argc) break;
            number = strtod(argv[at++], &end);
            if (*end) return fprintf(stderr, "no number: %s\n", argv[at - 1]), 2;
        } else if (scanf("%lf", &number) != 1) {
            break;
        }
        if (count == room) numbers = realloc(numbers, (room *= 2) * sizeof *numbers);
        if (!numbers) return fputs("no memory\n", stderr), 1;
        numbers[count++] = number;
    }
    sort(numbers, count);
    for (size_t at = 0; at < count; at++) printf("%g\n", numbers[at]);
    free(numbers);
}
