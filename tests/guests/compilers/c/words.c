// Words counted as JSON, numbers sorted.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static int by_size(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

int main(void) {
    char text[] = "To be, or not to be, that is the question.";
    char *words[64];
    int n = 0;
    for (char *p = text; *p; p++) *p = tolower(*p);
    for (char *w = strtok(text, " ,."); w; w = strtok(NULL, " ,.")) words[n++] = w;
    qsort(words, n, sizeof *words, by_text);
    puts("hello from C");
    printf("{");
    for (int i = 0, count; i < n; i += count) {
        for (count = 1; i + count < n && !strcmp(words[i], words[i + count]);) count++;
        printf("%s\"%s\":%d", i ? "," : "", words[i], count);
    }
    printf("}\n");
    int *numbers = malloc(1000 * sizeof *numbers), h = 0;
    for (int i = 0, x = 1; i < 1000; i++) numbers[i] = x = (x * 1103ll + 12345) % 1000003;
    qsort(numbers, 1000, sizeof *numbers, by_size);
    for (int i = 0; i < 1000; i++) h = (h * 31 + numbers[i]) % 1000003;
    printf("sorted %d %d %d\n", numbers[0], numbers[999], h);
    free(numbers);
    return 0;
}
