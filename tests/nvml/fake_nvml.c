/* A libnvidia-ml.so.1 for tests, by the ABI that NVML's documentation describes: GPUs without a GPU.
 *
 * The folder that FAKE_NVML names says how they are; it is looked at with each call, so it can change meanwhile:
 *   gpus         how many there are (8 if there is no such file)
 *   name-N       the name of GPU N
 *   mig-N        GPU N is in MIG mode, with so many devices
 *   processes    lines of: GPU, MIG device or -1, pid, bytes, percent
 *   lost-N       GPU N has fallen off the bus
 *   denied-N     we may not use GPU N
 *   no-energy    the counter of energy is not supported
 *   init-error   the library does not start: the code
 *   hang, crash  reading what is used does that
 * GPU N takes 100 * (N + 1) watts all the time. With -DOLD it lacks what drivers before 510 lacked.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SUCCESS, INVALID_ARGUMENT = 2, NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND = 6, INSUFFICIENT_SIZE, GPU_IS_LOST = 15 };
#define MOST_GPUS 16
#define MOST_MIGS 7
#define TOTAL_BYTES (80ULL << 30)
#define RESERVED_BYTES (1ULL << 30)

typedef struct { int gpu, mig; } Device;
typedef struct { unsigned pid; unsigned long long bytes; unsigned gpu_instance, compute_instance; } Process;
typedef struct { unsigned pid; unsigned long long time; unsigned sm, memory, encoder, decoder; } Sample;
typedef struct { Process process; unsigned percent; } Holder;
static Device devices[MOST_GPUS][1 + MOST_MIGS];

/* The number in a file of the folder; 1 if it is empty, `otherwise` if it is not there. */
static int setting(const char *name, int number, int otherwise)
{
    char path[4096];
    int value = 1;
    if (number < 0)
        snprintf(path, sizeof path, "%s/%s", getenv("FAKE_NVML"), name);
    else
        snprintf(path, sizeof path, "%s/%s-%d", getenv("FAKE_NVML"), name, number);
    FILE *file = fopen(path, "r");
    if (!file)
        return otherwise;
    if (fscanf(file, "%d", &value) != 1)
        value = 1;
    fclose(file);
    return value;
}

static int state_of(const Device *device)
{
    if (setting("hang", -1, 0))
        for (;;)
            pause();
    if (setting("crash", -1, 0))
        raise(SIGSEGV);
    return setting("lost", device->gpu, 0) ? GPU_IS_LOST : SUCCESS;
}

static int holders_of(const Device *device, Holder *found)
{
    char path[4096];
    int count = 0, gpu, mig;
    Holder holder;
    snprintf(path, sizeof path, "%s/processes", getenv("FAKE_NVML"));
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    while (fscanf(file, "%d %d %u %llu %u", &gpu, &mig, &holder.process.pid, &holder.process.bytes, &holder.percent) == 5)
        if (gpu == device->gpu && mig == device->mig && count < 64)
            found[count++] = holder;
    fclose(file);
    return count;
}

int nvmlInitWithFlags(unsigned flags) { (void)flags; return setting("init-error", -1, 0); }
int nvmlShutdown(void) { return SUCCESS; }
int nvmlSystemGetDriverVersion(char *version, unsigned length) { snprintf(version, length, "550.54.15"); return SUCCESS; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12040; return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = setting("gpus", -1, 8); return SUCCESS; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device)
{
    if ((int)index >= setting("gpus", -1, 8))
        return INVALID_ARGUMENT;
    if (setting("denied", index, 0))
        return NO_PERMISSION;
    *device = &devices[index][0];
    **device = (Device){index, -1};
    return setting("lost", index, 0) ? GPU_IS_LOST : SUCCESS;
}

int nvmlDeviceGetName(Device *device, char *name, unsigned length)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/name-%d", getenv("FAKE_NVML"), device->gpu);
    FILE *file = fopen(path, "r");
    snprintf(name, length, device->mig < 0 ? "NVIDIA H100 80GB HBM3" : "NVIDIA H100 80GB HBM3 MIG 1g.10gb");
    if (file) {
        name[fread(name, 1, length - 1, file)] = 0;
        fclose(file);
    }
    return SUCCESS;
}

int nvmlDeviceGetUUID(Device *device, char *uuid, unsigned length)
{
    if (device->mig < 0)
        snprintf(uuid, length, "GPU-%08x-0000-4000-8000-000000000000", 0xa0 + device->gpu);
    else
        snprintf(uuid, length, "MIG-%08x-0000-4000-8000-00000000000%d", 0xa0 + device->gpu, device->mig);
    return SUCCESS;
}

static unsigned long long used(const Device *device)
{
    Holder holders[64];
    unsigned long long bytes = 512 << 20;
    for (int count = holders_of(device, holders); count > 0; count--)
        bytes += holders[count - 1].process.bytes;
    return bytes;
}

int nvmlDeviceGetMemoryInfo(Device *device, unsigned long long memory[3])
{
    memory[0] = device->mig < 0 ? TOTAL_BYTES : TOTAL_BYTES / 8;
    memory[2] = used(device) + RESERVED_BYTES;
    memory[1] = memory[0] - memory[2];
    return state_of(device);
}

int nvmlDeviceGetCudaComputeCapability(Device *device, int *major, int *minor)
{
    *major = 9;
    *minor = 0;
    return state_of(device);
}

int nvmlDeviceGetEnforcedPowerLimit(Device *device, unsigned *milliwatts)
{
    *milliwatts = 700000;
    return device->mig < 0 ? state_of(device) : NOT_SUPPORTED;
}

int nvmlDeviceGetMigMode(Device *device, unsigned *current, unsigned *pending)
{
    *current = *pending = setting("mig", device->gpu, -1) >= 0;
    return device->mig < 0 ? state_of(device) : INVALID_ARGUMENT;
}

int nvmlDeviceGetMaxMigDeviceCount(Device *device, unsigned *count) { *count = MOST_MIGS; return state_of(device); }

int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, unsigned index, Device **mig)
{
    if ((int)index >= setting("mig", device->gpu, 0))
        return NOT_FOUND;
    *mig = &devices[device->gpu][1 + index];
    **mig = (Device){device->gpu, index};
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(Device *device, unsigned rates[2])
{
    Holder holders[64];
    rates[0] = rates[1] = 0;
    for (int count = holders_of(device, holders); count > 0; count--)
        rates[0] += holders[count - 1].percent;
    return device->mig < 0 && setting("mig", device->gpu, -1) < 0 ? state_of(device) : NOT_SUPPORTED;
}

int nvmlDeviceGetPowerUsage(Device *device, unsigned *milliwatts)
{
    *milliwatts = 100000 * (device->gpu + 1);
    return device->mig < 0 ? state_of(device) : NOT_SUPPORTED;
}

int nvmlDeviceGetTotalEnergyConsumption(Device *device, unsigned long long *millijoules)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *millijoules = (now.tv_sec * 1000ULL + now.tv_nsec / 1000000) * 100 * (device->gpu + 1);
    return device->mig < 0 && !setting("no-energy", -1, 0) ? state_of(device) : NOT_SUPPORTED;
}

int nvmlDeviceGetTemperature(Device *device, int sensor, unsigned *celsius)
{
    (void)sensor;
    *celsius = 40 + device->gpu;
    return device->mig < 0 ? state_of(device) : NOT_SUPPORTED;
}

static int processes(Device *device, unsigned *count, Process *found)
{
    Holder holders[64];
    unsigned there = holders_of(device, holders);
    unsigned room = *count;
    *count = there;
    if (there > room)
        return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < there; i++)
        found[i] = holders[i].process;
    return state_of(device);
}

#ifdef OLD
int nvmlDeviceGetComputeRunningProcesses_v2(Device *device, unsigned *count, Process *found) { return processes(device, count, found); }
#else
int nvmlDeviceGetComputeRunningProcesses_v3(Device *device, unsigned *count, Process *found) { return processes(device, count, found); }

int nvmlDeviceGetGraphicsRunningProcesses_v3(Device *device, unsigned *count, Process *found)
{
    (void)found;
    *count = 0;
    return state_of(device);
}

int nvmlDeviceGetMPSComputeRunningProcesses_v3(Device *device, unsigned *count, Process *found)
{
    (void)found;
    *count = 0;
    return state_of(device);
}

typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory;

int nvmlDeviceGetMemoryInfo_v2(Device *device, Memory *memory)
{
    memory->total = device->mig < 0 ? TOTAL_BYTES : TOTAL_BYTES / 8;
    memory->reserved = RESERVED_BYTES;
    memory->used = used(device);
    memory->free = memory->total - memory->reserved - memory->used;
    return state_of(device);
}
#endif

int nvmlDeviceGetProcessUtilization(Device *device, Sample *samples, unsigned *count, unsigned long long since)
{
    Holder holders[64];
    struct timespec now;
    unsigned there = holders_of(device, holders);
    unsigned room = *count;
    clock_gettime(CLOCK_REALTIME, &now);
    (void)since;
    *count = there;
    if (device->mig >= 0 || setting("mig", device->gpu, -1) >= 0)
        return NOT_SUPPORTED;
    if (there == 0)
        return NOT_FOUND;
    if (!samples || there > room)
        return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < there; i++)
        samples[i] = (Sample){holders[i].process.pid, now.tv_sec * 1000000ULL + now.tv_nsec / 1000, holders[i].percent, 0, 0, 0};
    return state_of(device);
}
