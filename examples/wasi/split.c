// Writes each word of a file into a file of its own: 1.txt, 2.txt, …
#include <stdio.h>

int main(int argc, char **argv) {
    FILE *from = argc > 1 ? fopen(argv[1], "r") : stdin;
    if (!from) {
        perror(argv[1]);
        return 1;
    }
    char word[256], name[32];
    int count = 0;
    while (fscanf(from, "%255s", word) == 1) {
        snprintf(name, sizeof name, "%d.txt", ++count);
        FILE *to = fopen(name, "w");
        if (!to) {
            perror(name);
            return 1;
        }
        fprintf(to, "%s\n", word);
        fclose(to);
    }
    printf("%d files\n", count);
    return 0;
}
