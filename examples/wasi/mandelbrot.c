/* Draws the Mandelbrot set as a picture in PPM: mandelbrot [WIDTH [HEIGHT]]. */
#include <stdio.h>
#include <stdlib.h>

enum { LIMIT = 200 };

static int steps(double x, double y) {
    double a = 0, b = 0;
    int step = 0;
    for (; step < LIMIT && a * a + b * b <= 4; step++) {
        double next = a * a - b * b + x;
        b = 2 * a * b + y;
        a = next;
    }
    return step;
}

int main(int argc, char **argv) {
    int width = argc > 1 ? atoi(argv[1]) : 300, height = argc > 2 ? atoi(argv[2]) : width * 2 / 3;
    if (width < 1 || height < 1) return fputs("expected a width and a height\n", stderr), 2;
    printf("P6\n%d %d\n255\n", width, height);
    for (int row = 0; row < height; row++) {
        for (int column = 0; column < width; column++) {
            int n = steps(-2.25 + 3.0 * column / width, -1.0 + 2.0 * row / height);
            int light = n == LIMIT ? 0 : n < 32 ? 8 * n : 255;
            putchar(light);
            putchar(light * 2 / 3);
            putchar(n == LIMIT ? 0 : 80 + light / 2);
        }
    }
}
