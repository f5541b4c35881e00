/* A simulation in C that prints its state: unflushed, as C programs are written. */
#include <stdio.h>

int main(void)
{
    double energy = 1.0;
    for (int iteration = 0; iteration < 1000; iteration++) {
        energy *= 0.99;
        printf("iteration=%d energy=%.6f residual=%e\n", iteration, energy, energy * energy);
    }
    return 0;
}
