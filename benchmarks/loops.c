/* The hot loops of a life in plain C: what the machine does when nothing stands between it and the arithmetic.

   The opponent of the JAX kernels, not a second implementation to be kept clever: the same names of draws,
   the same formulas, float32, with -O3 -march=native and OpenMP. Threads share out groups of LANES paths;
   a group keeps its state, its day of weather and its sums in registers and the first-level cache for the
   whole year, and every loop over lanes is a vector loop. Numbers of knots, modes, channels and fleets are the
   climate's and the plant's, given when the file is compiled, as XLA knows them when it compiles.

   What is tuned, because a rival would: the margin's bent line has its constants folded,
   sum b max(z - k, 0) = sum b max(z, k) - sum b k; one reciprocal of PUE stands for four divisions;
   outage tables are packed in one word; Philox's words lie in 64-bit lanes, where one instruction multiplies.

   Arrays of hours lie as the kernels' do: [8760][stride] in shards, one for each device of the JAX program. */

#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef KNOTS
#define KNOTS 21
#define SUN_MODES 6 /* of the site's channels */
#define WIND_MODES 12
#define TEMP_MODES 12
#define MODES 32 /* of all channels of all sites */
#define CHANNELS 5
#define SCALES 2 /* of memory */
#define FLEETS 5
#endif
#define STATE (MODES + SCALES * CHANNELS)
#define CALLS ((MODES + CHANNELS + 3) / 4) /* of the generator in a day */
#ifndef LANES
#define LANES 32 /* paths of a group: a day of its weather fits the first-level cache */
#endif
#define ROW 256 /* most paths that a thread walks abreast over stored arrays: whole rows stream best */
#define GROUPS ((FLEETS + 3) / 4) /* four fleets share a call of the generator */
#define FLOWS 17
#define DRIVERS 13
#define DAYS 365
#define HOURS 8760
#define DT_H 1.0f
#define INLINE static inline __attribute__((always_inline))
#define LANE_LOOP _Pragma("omp simd") for (int i = 0; i < LANES; i++)
#define ALIGNED __attribute__((aligned(64)))

typedef float Lane[LANES];

enum { WEATHER_DAY = 1, WEATHER_HOUR = 2, OUTAGE = 5, ORDER = 6 }; /* weather.random.Purpose */
enum { BIN_BITS = 10, BINS = 1 << BIN_BITS }; /* engine.orders */

static const int MONTH_DAYS[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

typedef struct {
    uint32_t seed[2], ensemble, year;
} Names;

typedef struct {
    float memory[SCALES], swing[MODES], lean[MODES], level_var[CHANNELS], knots[KNOTS];
    float grain_swing[3], grain_lean[3];        /* of the site's channels */
    int32_t first[CHANNELS + 1], places[5];     /* places: of sun, wind, temperature and both regions */
    const float *carry, *mix;                   /* [12][MODES][STATE], [12][MODES][MODES] */
    const float *basis[3], *grain[3], *margin[3]; /* [365][24][modes], [365][24], [12][24][KNOTS] */
    const float *of_day, *day_scale;            /* of the sun: [12][KNOTS], [365] */
    const float *clear_ghi;                     /* [8760] */
} Climate;

typedef struct { /* a plant in one year */
    float dc_mw, ac_mw, temp_coefficient, circumsolar, at_none, slope, bend, u0, u1, absorbed, cell_wind;
    float wind_mw, cut_in, rated, cut_out, hub_factor;
    float contracted_mw, deferrable, pue_free, pue_slope, free_below, pue_max, max_delay_h;
    float power_mw, soc_min, soc_max, charge_efficiency, discharge_efficiency;
    float genset_mw, import_limit, export_limit, circuit_mw;
    float region_correlation, threshold[2], persistence[2];
    float shape[24];
    float units[FLEETS];
    int32_t bits[FLEETS];            /* of a fleet's columns */
    const uint64_t *outages[FLEETS]; /* [failed << bits | column]: accept in the high word, alias in the low */
    const float *views;                  /* [7][8760], in the order of `View` */
    const float *season;                 /* [2][365] */
    const float *begin_h, *end_h;        /* [2][BINS] of orders */
    const float *depth;                  /* [BINS] */
} Plant;

/* One instruction each, and no branch that a compiler could thread through the step before it vectorises. */
INLINE float least(float a, float b) { return fminf(a, b); }
INLINE float most(float a, float b) { return fmaxf(a, b); }

/* ---- random numbers ---------------------------------------------------------------------------- */

typedef struct {
    uint32_t w[4];
} Words;

/* Philox4x32-10. 64-bit lanes: their upper halves hold rubbish between rounds, which no product reads. */
INLINE Words philox(const Names *n, uint32_t time, uint32_t index, uint32_t name, uint32_t draw) {
    uint64_t c0 = time, c1 = index, c2 = name, c3 = draw;
    uint32_t k0 = n->seed[0], k1 = n->seed[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = 0xD2511F53ull * (c0 & 0xFFFFFFFFu), p1 = 0xCD9E8D57ull * (c2 & 0xFFFFFFFFu);
        c0 = (p1 >> 32) ^ c1 ^ k0, c1 = p1;
        c2 = (p0 >> 32) ^ c3 ^ k1, c3 = p0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    return (Words){{(uint32_t)c0, (uint32_t)c1, (uint32_t)c2, (uint32_t)c3}};
}

INLINE uint32_t named(uint32_t ensemble, uint32_t purpose, uint32_t entity, uint32_t year) {
    return ensemble << 30 | purpose << 24 | entity << 8 | year;
}

/* Standard normal of weather.random.normal: (2 u - 1) times one polynomial in log(4 u (1 - u)). */
INLINE float normal(uint32_t word) {
    const int32_t root_half = 0x3F3504F3; /* bits of sqrt(1/2): mantissas are taken from there to sqrt(2) */
    float u = ((float)(int32_t)(word >> 9) + 0.5f) * 0x1p-23f, v = u * (4.0f - 4.0f * u), mantissa;
    int32_t bits;
    memcpy(&bits, &v, 4);
    bits -= root_half;
    float exponent = (float)(bits >> 23);
    bits = (bits & 0x7FFFFF) + root_half;
    memcpy(&mantissa, &bits, 4);
    float m = mantissa - 1.0f, log = 0.11931054294109344f;
    log = log * m - 0.1868075132369995f;
    log = log * m + 0.20491759479045868f;
    log = log * m - 0.24908289313316345f;
    log = log * m + 0.33314675092697144f;
    log = log * m - 0.5000114440917969f;
    log = log * m + 1.0000009536743164f;
    float t = (exponent * 0.6931471805599453f + m * log) * (-2.0f / 15.249238f) - 1.0f;
    float p = 0.0060204691253602505f;
    p = p * t - 0.009895110502839088f;
    p = p * t - 0.013970957137644291f;
    p = p * t + 0.03709230571985245f;
    p = p * t - 0.014187483116984367f;
    p = p * t - 0.02247384563088417f;
    p = p * t + 0.040488675236701965f;
    p = p * t - 0.05548420548439026f;
    p = p * t + 0.06168027222156525f;
    p = p * t - 0.03406791388988495f;
    p = p * t - 0.0362447164952755f;
    p = p * t + 0.16182853281497955f;
    p = p * t - 0.43897077441215515f;
    p = p * t + 1.9436955451965332f;
    p = p * t + 3.669193983078003f;
    return (2.0f * u - 1.0f) * p;
}

/* ---- weather ------------------------------------------------------------------------------------ */

typedef struct { /* constant, slope and bends of a day's margins, made once a call for all paths */
    float line[DAYS][3][24][KNOTS], of_day[DAYS][KNOTS];
} Tables;

typedef struct {
    Lane state[STATE], level[3];
    uint32_t index[LANES];
} ALIGNED Air;

static int month_of(int day) {
    int month = 0;
    while (day >= MONTH_DAYS[month]) day -= MONTH_DAYS[month++];
    return month;
}

/* The bent line between two months' margins a and b, f of the way. */
static void bent(const float *knots, const float *a, const float *b, float f, float line[KNOTS]) {
    float last = 0.0f;
    double constant = a[0] * (1.0f - f) + b[0] * f;
    for (int k = 0; k + 1 < KNOTS; k++) {
        float rise = (a[k + 1] - a[k]) * (1.0f - f) + (b[k + 1] - b[k]) * f;
        float slope = rise / (knots[k + 1] - knots[k]);
        line[k + 1] = slope - last; /* the first is the slope itself */
        constant -= (double)line[k + 1] * knots[k];
        last = slope;
    }
    line[0] = (float)constant;
}

static Tables *tables(const Climate *c) {
    Tables *t = malloc(sizeof *t);
    float middle[12];
    int begin = 0;
    for (int m = 0; m < 12; begin += MONTH_DAYS[m++]) middle[m] = begin + MONTH_DAYS[m] / 2.0f;
#pragma omp parallel for
    for (int day = 0; day < DAYS; day++) {
        float now = day + 0.5f;
        int before = month_of(day), after;
        if (now < middle[before]) before = (before + 11) % 12;
        after = (before + 1) % 12;
        float way = fmodf(now - middle[before] + DAYS, DAYS);
        float f = way / fmodf(middle[after] - middle[before] + DAYS, DAYS);
        for (int v = 0; v < 3; v++)
            for (int h = 0; h < 24; h++)
                bent(c->knots, c->margin[v] + (before * 24 + h) * KNOTS, c->margin[v] + (after * 24 + h) * KNOTS, f,
                     t->line[day][v][h]);
        bent(c->knots, c->of_day + before * KNOTS, c->of_day + after * KNOTS, f, t->of_day[day]);
    }
    return t;
}

INLINE float margin(const Climate *c, const float line[KNOTS], float z) {
    float out = line[0] + line[1] * z;
#pragma GCC unroll 32
    for (int k = 1; k + 1 < KNOTS; k++) out += line[k + 1] * most(z, c->knots[k]);
    return out;
}

/* exp to two roundings: 2 to a whole number times a polynomial (Cephes' coefficients). */
INLINE float exponential(float x) {
    float n = floorf(x * 1.44269504f + 0.5f);
    float r = x - n * 0.693359375f + n * 2.12194440e-4f, p = 1.9875691500e-4f, scale;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    int32_t bits = ((int32_t)n + 127) << 23;
    memcpy(&scale, &bits, 4);
    return (p * r * r + r + 1.0f) * scale;
}

INLINE float unrest(float swing, float lean, float var, float height, float normal) {
    return exponential(lean * height + swing * normal - (swing * swing + lean * lean * var));
}

/* sums[k] += the first `columns` of rows k.. of a matrix times x, four rows abreast. */
INLINE void four_rows(const float *row, int stride, int columns, const Lane *x, Lane sums[4]) {
    LANE_LOOP {
        float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
        for (int j = 0; j < columns; j++) {
            float value = x[j][i];
            a += row[j] * value, b += row[stride + j] * value;
            c += row[2 * stride + j] * value, d += row[3 * stride + j] * value;
        }
        sums[0][i] = a, sums[1][i] = b, sums[2][i] = c, sums[3][i] = d;
    }
}

INLINE void one_row(const float *row, int columns, const Lane *x, float *sum) {
    LANE_LOOP {
        float a = 0.0f;
        for (int j = 0; j < columns; j++) a += row[j] * x[j][i];
        sum[i] = a;
    }
}

/* [MODES] rows times x; of a lower triangle only what is not zero. */
INLINE void product(const float *matrix, int columns, int lower, const Lane *x, Lane out[MODES]) {
    int k = 0;
    for (; k + 4 <= MODES; k += 4) four_rows(matrix + k * columns, columns, lower ? k + 4 : columns, x, out + k);
    for (; k < MODES; k++) one_row(matrix + k * columns, lower ? k + 1 : columns, x, out[k]);
}

/* The state a day later; swings: a normal of each channel. */
INLINE void next_day(const Names *n, const Climate *c, int day, Air *air, Lane swings[CHANNELS]) {
    const uint32_t name = named(n->ensemble, WEATHER_DAY, 0, n->year);
    const int month = month_of(day);
    const float *mix = c->mix + (size_t)month * MODES * MODES;
    Lane normals[CALLS * 4] ALIGNED, expected[MODES] ALIGNED, shock[MODES] ALIGNED, height ALIGNED;
    for (int call = 0; call < CALLS; call++) {
        Lane *to = normals + 4 * call;
        LANE_LOOP {
            Words w = philox(n, day, air->index[i], name, call);
            to[0][i] = normal(w.w[0]), to[1][i] = normal(w.w[1]), to[2][i] = normal(w.w[2]), to[3][i] = normal(w.w[3]);
        }
    }
    memcpy(swings, normals + MODES, sizeof(Lane) * CHANNELS);
    product(c->carry + (size_t)month * MODES * STATE, STATE, 0, air->state, expected);
    for (int v = CHANNELS - 1; v >= 0; v--) {   /* a level hangs on normals of the channels before its own */
        const int level = c->first[v], next = c->first[v + 1];
        if (next == level + 1) continue;
        one_row(mix + level * MODES, level + 1, normals, height);
        LANE_LOOP height[i] += expected[level][i];
        for (int k = level + 1; k < next; k++) {
            const float swing = c->swing[k], lean = c->lean[k], var = c->level_var[v];
            LANE_LOOP normals[k][i] *= unrest(swing, lean, var, height[i], swings[v][i]);
        }
    }
    product(mix, MODES, 1, normals, shock);
    for (int k = 0; k < MODES; k++) LANE_LOOP air->state[k][i] = expected[k][i] + shock[k][i];
    for (int v = 0; v < CHANNELS; v++) {
        const float *now = air->state[c->first[v]];
        for (int s = 0; s < SCALES; s++) {
            float *memory = air->state[MODES + s * CHANNELS + v];
            const float share = c->memory[s];
            LANE_LOOP memory[i] += share * (now[i] - memory[i]);
        }
    }
}

/* A day's weather of a group into rows out[v] + h * stride: ghi, wind speed, temperature, both regions. */
INLINE void weather_day(const Names *n, const Climate *c, const Tables *t, int day, Air *air, float *const out[5],
                        int stride) {
    const uint32_t name = named(n->ensemble, WEATHER_HOUR, 0, n->year);
    const float low = c->knots[0], high = c->knots[KNOTS - 1];
    const Lane *held[3], *region[2];
    Lane swings[CHANNELS] ALIGNED, sizes[3] ALIGNED, bright[24] ALIGNED, total ALIGNED = {0};
    next_day(n, c, day, air, swings);
    for (int v = 0; v < 3; v++) {
        const int place = c->places[v];
        const float swing = c->grain_swing[v], lean = c->grain_lean[v], var = c->level_var[place];
        held[v] = (const Lane *)air->state + c->first[place];
        LANE_LOOP sizes[v][i] = unrest(swing, lean, var, held[v][0][i], swings[place][i]);
    }
    for (int r = 0; r < 2; r++) region[r] = (const Lane *)air->state + c->first[c->places[3 + r]];
    float whole = 0.0f;
    for (int h = 0; h < 24; h++) {
        const int at = day * 24 + h;
        const float clear = c->clear_ghi[at];
        const float *basis0 = c->basis[0] + at * SUN_MODES, *basis1 = c->basis[1] + at * WIND_MODES;
        const float *basis2 = c->basis[2] + at * TEMP_MODES;
        const float grain0 = c->grain[0][at], grain1 = c->grain[1][at], grain2 = c->grain[2][at];
        const float *sun_line = t->line[day][0][h], *wind_line = t->line[day][1][h], *temp_line = t->line[day][2][h];
        float *row[5];
        for (int v = 0; v < 5; v++) row[v] = out[v] + (size_t)h * stride;
        whole += clear;
        LANE_LOOP {
            Words w = philox(n, at, air->index[i], name, 0);
            float sun = 0.0f, wind = 0.0f, temp = 0.0f;
#pragma GCC unroll 16
            for (int k = 0; k < SUN_MODES; k++) sun += basis0[k] * held[0][k][i];
#pragma GCC unroll 16
            for (int k = 0; k < WIND_MODES; k++) wind += basis1[k] * held[1][k][i];
#pragma GCC unroll 16
            for (int k = 0; k < TEMP_MODES; k++) temp += basis2[k] * held[2][k][i];
            sun += grain0 * sizes[0][i] * normal(w.w[0]);
            wind += grain1 * sizes[1][i] * normal(w.w[1]);
            temp += grain2 * sizes[2][i] * normal(w.w[2]);
            float index = most(margin(c, sun_line, least(most(sun, low), high)), 0.0f);
            bright[h][i] = index * clear;
            total[i] += index * clear;
            row[1][i] = air->level[1][i] * most(margin(c, wind_line, wind), 0.0f);
            row[2][i] = air->level[2][i] + margin(c, temp_line, temp);
            row[3][i] = region[0][0][i];
            row[4][i] = region[1][0][i];
        }
    }
    const float scale = c->day_scale[day];
    LANE_LOOP { /* what the hours are multiplied by, so that the day has the index that its level says */
        float z = least(most(held[0][0][i] * scale, low), high);
        total[i] = air->level[0][i] * most(margin(c, t->of_day[day], z), 0.0f) * whole / most(total[i], 1e-3f);
    }
    for (int h = 0; h < 24; h++) {
        float *row = out[0] + (size_t)h * stride;
        LANE_LOOP row[i] = total[i] * bright[h][i];
    }
}

/* ---- conversion ---------------------------------------------------------------------------------- */

typedef struct {
    float pv, clipped, wind, pue, firm, deferrable, limit;
} Power;


typedef struct { /* the hour's tables of engine.convert.irradiance.Geometry, in its order */
    float beam, sky, ground, beam_in, sky_in, ground_in, extra;
} View;

INLINE View view(const Plant *p, int hour) {
    const float *v = p->views + hour;
    return (View){v[0], v[HOURS], v[2 * HOURS], v[3 * HOURS], v[4 * HOURS], v[5 * HOURS], v[6 * HOURS]};
}

/* Erbs, Hay-Davies, Faiman, PVWatts; cubic wind curve; cooling. */
INLINE Power convert(const Plant *p, View v, float shape, float occupancy, float ghi, float speed, float temp) {
    Power out;
    float kt = least(most(ghi / most(v.extra, 1.0f), 0.0f), 1.0f);
    float middle = 0.9511f + kt * (-0.1604f + kt * (4.388f + kt * (-16.638f + kt * 12.336f)));
    float diffuse = kt <= 0.22f ? 1.0f - 0.09f * kt : kt <= 0.8f ? middle : 0.165f;
    float around = p->circumsolar * (1.0f - diffuse) * kt;
    float direct = ghi * (1.0f - diffuse + diffuse * around), scattered = ghi * diffuse * (1.0f - around);
    float on = direct * v.beam + scattered * v.sky + ghi * v.ground;
    float within = direct * v.beam_in + scattered * v.sky_in + ghi * v.ground_in;
    float cell = temp + on * p->absorbed / (p->u0 + p->u1 * (speed * p->cell_wind));
    float dc = p->dc_mw * within * 1e-3f * (1.0f + p->temp_coefficient * (cell - 25.0f));
    float ac = most(p->at_none + dc * (p->slope + dc * p->bend), 0.0f);
    out.pv = least(ac, p->ac_mw);
    out.clipped = ac - out.pv;
    float hub = speed * p->hub_factor, cubed_in = p->cut_in * p->cut_in * p->cut_in;
    float frac = (hub * hub * hub - cubed_in) * (1.0f / (p->rated * p->rated * p->rated - cubed_in));
    frac = least(most(frac, 0.0f), 1.0f);
    const float full = p->wind_mw; /* read before the choice: a load that may be skipped is no vector load */
    out.wind = full * (hub >= p->cut_out ? 0.0f : frac);
    out.pue = least(p->pue_free + p->pue_slope * most(temp - p->free_below, 0.0f), p->pue_max);
    out.limit = p->contracted_mw * occupancy;
    float load = out.limit * shape;
    out.firm = load * (1.0f - p->deferrable);
    out.deferrable = load * p->deferrable;
    return out;
}

/* ---- dispatch ------------------------------------------------------------------------------------- */

typedef struct { /* engine.flows.Drivers, in its order */
    float pv, wind, clipped, firm, deferrable, it_limit, backlog_limit, pue, import_limit, export_limit, export_order,
        genset, battery;
} Met;

/* One hour: ADDs the flows, in the order of engine.flows.Flows, and moves the state. A macro, so that the
   sums may be registers or memory, as the loop around it has room. */
#define HOUR_STEP(p, d, soc, backlog, ADD)                                                             \
    do {                                                                                               \
        const float inverse = 1.0f / (d).pue, load = (d).firm + (d).deferrable;                        \
        const float net = (d).pv + (d).wind - load * (d).pue, power = (p)->power_mw * (d).battery;     \
        float surplus = most(net, 0.0f), deficit = most(-net, 0.0f);                                   \
        const float spare = most((d).it_limit - load, 0.0f);                                           \
        const float caught_up = least(least(surplus * inverse, spare), backlog / DT_H);                \
        surplus = most(surplus - caught_up * (d).pue, 0.0f);                                           \
        const float room = most((p)->soc_max - soc, 0.0f) * (d).battery;                               \
        const float charged = least(least(surplus, power), room / ((p)->charge_efficiency * DT_H));     \
        surplus -= charged;                                                                            \
        const float exportable = least(surplus, (d).export_limit);                                     \
        const float exported = least(surplus, (d).export_order), beyond = surplus - exportable;        \
        const float waiting = most((d).backlog_limit - backlog, 0.0f) / DT_H;                          \
        const float postponed = least(least(deficit * inverse, (d).deferrable), waiting);              \
        deficit = most(deficit - postponed * (d).pue, 0.0f);                                           \
        const float stored = most(soc - (p)->soc_min, 0.0f) * (d).battery;                             \
        const float discharged = least(least(deficit, power), stored * (p)->discharge_efficiency / DT_H); \
        deficit -= discharged;                                                                         \
        const float imported = least(deficit, (d).import_limit);                                       \
        deficit -= imported;                                                                           \
        const float genset = least(deficit, (d).genset), short_it = (deficit - genset) * inverse;      \
        const float short_deferrable = least(short_it, most((d).deferrable - postponed, 0.0f));        \
        ADD(0, (d).pv + (d).clipped);                                                                  \
        ADD(1, (d).wind);                                                                              \
        ADD(2, imported);                                                                              \
        ADD(3, genset);                                                                                \
        ADD(4, charged);                                                                               \
        ADD(5, discharged);                                                                            \
        ADD(6, exported);                                                                              \
        ADD(7, most(load + caught_up - postponed - short_it, 0.0f) * (d).pue);                         \
        ADD(8, load);                                                                                  \
        ADD(9, postponed);                                                                             \
        ADD(10, caught_up);                                                                            \
        ADD(11, short_it - short_deferrable);                                                          \
        ADD(12, short_deferrable);                                                                     \
        ADD(13, exportable - exported);                                                                \
        const float too_much = beyond * least(most((d).export_limit * 1e30f, 0.0f), 1.0f);                    \
        ADD(14, too_much);                                                                             \
        ADD(15, beyond - too_much);                                                                    \
        ADD(16, (d).clipped);                                                                          \
        soc += (charged * (p)->charge_efficiency - discharged / (p)->discharge_efficiency) * DT_H;     \
        backlog += (postponed - caught_up) * DT_H;                                                     \
    } while (0)

/* ---- years of many paths: what Python calls -------------------------------------------------------- */

/* Groups of LANES paths, shared out among the threads. Arrays of hours come as shards [8760][tile], a whole
   number of groups each; arrays of paths run over all shards, `width` long. */
#define GROUP_LOOP                                 \
    _Pragma("omp parallel for schedule(static)") for (int first = 0; first < paths; first += LANES)
#define SHARD (first / tile)
#define AT (first % tile)

/* Paths abreast over stored arrays: a shard's whole row, or less where there are more threads than rows. */
static int abreast(int tile, int paths) {
    int lanes = tile < ROW ? tile : ROW;
    while (lanes > LANES && paths / lanes < omp_get_max_threads()) lanes /= 2;
    return lanes;
}

void words(const Names *n, uint32_t purpose, uint32_t entity, uint32_t draw, uint32_t time, const uint32_t *index,
           int paths, uint32_t *out) {
    for (int i = 0; i < paths; i++) {
        Words w = philox(n, time, index[i], named(n->ensemble, purpose, entity, n->year), draw);
        for (int k = 0; k < 4; k++) out[k * paths + i] = w.w[k];
    }
}

/* Three normals of each path-hour, those of the weather's grain. out: [shard][3]. */
void normals_year(const Names *n, const uint32_t *index, int tile, int paths, float *const *out) {
    const uint32_t name = named(n->ensemble, WEATHER_HOUR, 0, n->year);
    GROUP_LOOP {
        float *const *to = out + SHARD * 3;
        for (int hour = 0; hour < HOURS; hour++) {
            const size_t at = (size_t)hour * tile + AT;
            float *restrict a = to[0] + at, *restrict b = to[1] + at, *restrict c = to[2] + at;
            const uint32_t *restrict path = index + first;
            LANE_LOOP {
                Words w = philox(n, hour, path[i], name, 0);
                a[i] = normal(w.w[0]), b[i] = normal(w.w[1]), c[i] = normal(w.w[2]);
            }
        }
    }
}

/* Rows of `width` paths to and from a group's lanes. */
static void take(Lane *to, const float *from, int rows, int width, int first) {
    for (int r = 0; r < rows; r++) memcpy(to[r], from + (size_t)r * width + first, sizeof(Lane));
}

static void give(float *to, const Lane *from, int rows, int width, int first) {
    for (int r = 0; r < rows; r++) memcpy(to + (size_t)r * width + first, from[r], sizeof(Lane));
}

static Air air_of(const uint32_t *index, const float *level, const float *state, int width, int first) {
    Air air;
    memcpy(air.index, index + first, sizeof air.index);
    take(air.level, level, 3, width, first);
    take(air.state, state, STATE, width, first);
    return air;
}

/* level: [3][width]; state: [STATE][width], moved on; out: [shard][5]. */
void weather_year(const Names *n, const Climate *c, const uint32_t *index, const float *level, float *state, int width,
                  int tile, int paths, float *const *out) {
    Tables *t = tables(c);
    GROUP_LOOP {
        Air air = air_of(index, level, state, width, first);
        for (int day = 0; day < DAYS; day++) {
            float *rows[5];
            for (int v = 0; v < 5; v++) rows[v] = out[SHARD * 5 + v] + (size_t)day * 24 * tile + AT;
            weather_day(n, c, t, day, &air, rows, tile);
        }
        give(state, air.state, STATE, width, first);
    }
    free(t);
}

/* in: [shard][3] of ghi, wind speed, temperature. out: [shard][7] in the order of `Power`. */
void convert_year(const Plant *p, const float *occupancy, int tile, int paths, const float *const *in, float *const *out) {
    const int lanes = abreast(tile, paths);
#pragma omp parallel for schedule(static)
    for (int first = 0; first < paths; first += lanes) {
        for (int hour = 0; hour < HOURS; hour++) {
            const size_t at = (size_t)hour * tile + AT;
            const float *const *from = in + SHARD * 3;
            float *const *to = out + SHARD * 7;
            const float *restrict ghi = from[0] + at, *restrict speed = from[1] + at, *restrict temp = from[2] + at;
            float *restrict o0 = to[0] + at, *restrict o1 = to[1] + at, *restrict o2 = to[2] + at;
            float *restrict o3 = to[3] + at, *restrict o4 = to[4] + at, *restrict o5 = to[5] + at;
            float *restrict o6 = to[6] + at;
            const View sun = view(p, hour);
            const float shape = p->shape[hour % 24];
#pragma omp simd
            for (int i = 0; i < lanes; i++) {
                Power w = convert(p, sun, shape, occupancy[first + i], ghi[i], speed[i], temp[i]);
                o0[i] = w.pv, o1[i] = w.clipped, o2[i] = w.wind, o3[i] = w.pue;
                o4[i] = w.firm, o5[i] = w.deferrable, o6[i] = w.limit;
            }
        }
    }
}

/* Days are summed in float32, months in float64, as the kernel does. totals: [17][12][width], cleared. */
INLINE void add_day(double *totals, int month, int width, int first, int lanes, int size, float *day) {
    for (int f = 0; f < FLOWS; f++) {
        double *restrict to = totals + ((size_t)f * 12 + month) * width + first;
        float *restrict sum = day + f * size;
#pragma omp simd
        for (int i = 0; i < lanes; i++) to[i] += sum[i] * DT_H;
    }
    memset(day, 0, sizeof(float) * FLOWS * size);
}

/* in: [shard][13] in the order of `Met`. soc, backlog: [width], moved on. */
#define ADD_MEMORY(k, value) day_sum[k][i] += (value)
void dispatch_year(const Plant *p, float *soc, float *backlog, int width, int tile, int paths, const float *const *in,
                   double *totals) {
    const int lanes = abreast(tile, paths);
    memset(totals, 0, sizeof(double) * FLOWS * 12 * width);
#pragma omp parallel for schedule(static)
    for (int first = 0; first < paths; first += lanes) {
        float day_sum[FLOWS][ROW] ALIGNED = {{0}}, stored[ROW] ALIGNED, waiting_work[ROW] ALIGNED;
        memcpy(stored, soc + first, lanes * sizeof(float));
        memcpy(waiting_work, backlog + first, lanes * sizeof(float));
        const float *const *from = in + SHARD * DRIVERS;
        int day = 0;
        for (int month = 0; month < 12; month++)
            for (int end = day + MONTH_DAYS[month]; day < end; day++) {
                for (int hour = day * 24; hour < day * 24 + 24; hour++) {
                    const size_t at = (size_t)hour * tile + AT;
#pragma omp simd
                    for (int i = 0; i < lanes; i++) {
                        const size_t x = at + i;
                        const Met d = {from[0][x],  from[1][x],  from[2][x], from[3][x], from[4][x],
                                       from[5][x],  from[6][x],  from[7][x], from[8][x], from[9][x],
                                       from[10][x], from[11][x], from[12][x]};
                        float s = stored[i], b = waiting_work[i];
                        HOUR_STEP(p, d, s, b, ADD_MEMORY);
                        stored[i] = s, waiting_work[i] = b;
                    }
                }
                add_day(totals, month, width, first, lanes, ROW, day_sum[0]);
            }
        memcpy(soc + first, stored, lanes * sizeof(float));
        memcpy(backlog + first, waiting_work, lanes * sizeof(float));
    }
}

/* Everything of a year, a day at a time within the cache: weather, orders, outages, conversion, dispatch. */
typedef struct {
    Lane soc, backlog, occupancy, order_level[2], chance[2], night[3]; /* last night's order: begin, end, depth */
    int32_t failed[FLEETS][LANES];
} ALIGNED Site;

/* Share of the export limit that orders take in each hour of a day; tonight's order is kept for tomorrow. */
INLINE void orders_of_day(const Names *n, const Plant *p, int day, const Air *air, const float *sun, const float *wind,
                          Site *site, Lane taken[24]) {
    const float r = p->region_correlation, chance = sqrtf(1.0f - r * r);
    const float fresh[2] = {sqrtf(1.0f - p->persistence[0] * p->persistence[0]),
                            sqrtf(1.0f - p->persistence[1] * p->persistence[1])};
    LANE_LOOP {
        Words w = philox(n, day, air->index[i], named(n->ensemble, ORDER, 0, n->year), 0);
        float own0 = p->persistence[0] * site->chance[0][i] + fresh[0] * normal(w.w[0]);
        float own1 = p->persistence[1] * site->chance[1][i] + fresh[1] * normal(w.w[1]);
        site->chance[0][i] = own0, site->chance[1][i] = own1;
        float midday = r * sun[i] + chance * own0 + p->season[day] + site->order_level[0][i];
        float night = r * wind[i] + chance * own1 + p->season[DAYS + day] + site->order_level[1][i];
        uint32_t row0 = w.w[2] >> (32 - BIN_BITS), row1 = (w.w[3] >> (32 - BIN_BITS)) + BINS;
        float begin0 = p->begin_h[row0], end0 = p->end_h[row0], begin1 = p->begin_h[row1], end1 = p->end_h[row1];
        float today = midday > p->threshold[0] ? p->depth[w.w[2] >> (32 - 2 * BIN_BITS) & (BINS - 1)] : 0.0f;
        float tonight = night > p->threshold[1] ? p->depth[w.w[3] >> (32 - 2 * BIN_BITS) & (BINS - 1)] : 0.0f;
        for (int h = 0; h < 24; h++) {
            float a = begin0 <= h && h < end0 ? today : 0.0f, b = begin1 <= h && h < end1 ? tonight : 0.0f;
            float c = site->night[0][i] <= h && h < site->night[1][i] ? site->night[2][i] : 0.0f;
            taken[h][i] = most(most(a, b), c);
        }
        site->night[0][i] = begin1 - 24.0f, site->night[1][i] = end1 - 24.0f, site->night[2][i] = tonight;
    }
}

/* Walker's draw for a fleet of each lane. Kept from vector instructions: where gathers are slow, as on Zen 4,
   one word after the other takes a third of the time. */
__attribute__((noinline, optimize("no-tree-vectorize"))) static void draw(const uint64_t *restrict table, int bits,
                                                                          const uint32_t *restrict word,
                                                                          int32_t *restrict failed) {
    for (int i = 0; i < LANES; i++) {
        uint32_t column = (uint32_t)((uint64_t)word[i] >> (32 - bits));
        uint64_t entry = table[(uint32_t)failed[i] << bits | column];
        failed[i] = (word[i] << bits) < (uint32_t)(entry >> 32) ? column : (uint32_t)entry;
    }
}

/* Failed units of each fleet in each hour of a day: all words first, then the draws, so that vector and scalar
   code do not wait for one another's stores. */
INLINE void outages_of_day(const Names *n, const Plant *p, int day, const Air *air, Site *site,
                           int32_t counts[24][FLEETS][LANES]) {
    uint32_t word[24][GROUPS * 4][LANES] ALIGNED;
    for (int h = 0; h < 24; h++)
        for (int g = 0; g < GROUPS; g++) {
            const uint32_t name = named(n->ensemble, OUTAGE, g, n->year);
            uint32_t(*to)[LANES] = word[h] + 4 * g;
            LANE_LOOP {
                Words w = philox(n, day * 24 + h, air->index[i], name, 0);
                to[0][i] = w.w[0], to[1][i] = w.w[1], to[2][i] = w.w[2], to[3][i] = w.w[3];
            }
        }
    for (int f = 0; f < FLEETS; f++)
        for (int h = 0; h < 24; h++) {
            draw(p->outages[f], p->bits[f], word[h][f], site->failed[f]);
            memcpy(counts[h][f], site->failed[f], sizeof counts[h][f]);
        }
}

INLINE void hour_of_life(const Plant *p, int hour, const float *restrict ghi, const float *restrict speed,
                         const float *restrict temp, const float *restrict taken, const int32_t failed[FLEETS][LANES],
                         Site *site, Lane day_sum[FLOWS]) {
    const View sun = view(p, hour);
    const float shape = p->shape[hour % 24];
    const float circuits = p->circuit_mw * p->units[4];
    float one[FLEETS];
    for (int f = 0; f < FLEETS; f++) one[f] = 1.0f / p->units[f];
    LANE_LOOP {
        Power w = convert(p, sun, shape, site->occupancy[i], ghi[i], speed[i], temp[i]);
        float up[5];
        for (int f = 0; f < 5; f++) up[f] = 1.0f - (float)failed[f][i] * one[f];
        float capacity = up[4] * circuits, export = least(p->export_limit, capacity);
        const Met d = {
            .pv = w.pv * up[0],
            .wind = w.wind * up[1],
            .clipped = w.clipped * up[0],
            .firm = w.firm,
            .deferrable = w.deferrable,
            .it_limit = w.limit,
            .backlog_limit = p->max_delay_h * w.deferrable,
            .pue = w.pue,
            .import_limit = least(p->import_limit, capacity),
            .export_limit = export,
            .export_order = least(export, p->export_limit * (1.0f - taken[i])),
            .genset = p->genset_mw * up[3],
            .battery = up[2],
        };
        float s = site->soc[i], b = site->backlog[i];
        HOUR_STEP(p, d, s, b, ADD_MEMORY);
        site->soc[i] = s, site->backlog[i] = b;
    }
}

/* failed: [FLEETS][width]; night: [3][width], the order of the night before the year; order_level, chance:
   [2][width]. */
void life_year(const Names *n, const Climate *c, const Plant *p, const uint32_t *index, const float *level,
               const float *occupancy, const float *order_level, float *state, float *soc, float *backlog,
               int32_t *failed, float *night, float *chance, int width, int paths, double *totals) {
    Tables *t = tables(c);
    memset(totals, 0, sizeof(double) * FLOWS * 12 * width);
    GROUP_LOOP {
        Lane day_sum[FLOWS] ALIGNED = {{0}}, weather[5][24] ALIGNED, taken[24] ALIGNED;
        int32_t failed_units[24][FLEETS][LANES] ALIGNED;
        float *rows[5] = {weather[0][0], weather[1][0], weather[2][0], weather[3][0], weather[4][0]};
        Air air = air_of(index, level, state, width, first);
        Site site;
        memcpy(site.soc, soc + first, sizeof(Lane));
        memcpy(site.backlog, backlog + first, sizeof(Lane));
        memcpy(site.occupancy, occupancy + first, sizeof(Lane));
        for (int k = 0; k < 3; k++) memcpy(site.night[k], night + k * width + first, sizeof(Lane));
        for (int k = 0; k < 2; k++) memcpy(site.order_level[k], order_level + k * width + first, sizeof(Lane));
        for (int k = 0; k < 2; k++) memcpy(site.chance[k], chance + k * width + first, sizeof(Lane));
        for (int f = 0; f < FLEETS; f++) memcpy(site.failed[f], failed + f * width + first, sizeof site.failed[f]);
        int day = 0;
        for (int month = 0; month < 12; month++) {
            for (int end = day + MONTH_DAYS[month]; day < end; day++) {
                weather_day(n, c, t, day, &air, rows, LANES);
                orders_of_day(n, p, day, &air, weather[3][0], weather[4][0], &site, taken);
                outages_of_day(n, p, day, &air, &site, failed_units);
                for (int h = 0; h < 24; h++)
                    hour_of_life(p, day * 24 + h, weather[0][h], weather[1][h], weather[2][h], taken[h], failed_units[h],
                                 &site, day_sum);
                add_day(totals, month, width, first, LANES, LANES, day_sum[0]);
            }
        }
        give(state, air.state, STATE, width, first);
        memcpy(soc + first, site.soc, sizeof(Lane));
        memcpy(backlog + first, site.backlog, sizeof(Lane));
        for (int k = 0; k < 3; k++) memcpy(night + k * width + first, site.night[k], sizeof(Lane));
        for (int k = 0; k < 2; k++) memcpy(chance + k * width + first, site.chance[k], sizeof(Lane));
        for (int f = 0; f < FLEETS; f++) memcpy(failed + f * width + first, site.failed[f], sizeof site.failed[f]);
    }
    free(t);
}
