// One decoded token through a layer of a Llama whose matrices are in nf4 with double quantization: four kernels.
//
//   project   norm, then the query, key and value matrices           hidden -> queries, keys, values
//   attend    rotary embedding, the cache, grouped-query attention   queries, keys, values -> attended
//   add       a matrix and the residual connection                   attended (or activated) -> hidden
//   activate  norm, then the gate and up matrices and SiLU           hidden -> activated
//
// Defined by whoever compiles: BF16 (or float16), HEAD_DIM, GROUP (query heads per key head), SPLITS (blocks that share
// the positions of one key head), ROWS (matrix rows of a warp), SHARES_x (warps that share the columns of a row).
// Sums are float32; values are rounded to 16 bits where transformers' modules round them.

typedef unsigned short u16;
typedef unsigned char u8;

#define WARPS 8
#define THREADS (32 * WARPS)
#define CHUNK 1024          // columns that a warp reads at once: 16 bytes, or 32 weights, a lane
#define ALL 0xffffffffu

#ifdef BF16
__device__ __forceinline__ float wide(u16 value) { return __uint_as_float((unsigned)value << 16); }
__device__ __forceinline__ u16 narrow(float value) {
    u16 result;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result) : "f"(value));
    return result;
}
#else
__device__ __forceinline__ float wide(u16 value) {
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value));
    return result;
}
__device__ __forceinline__ u16 narrow(float value) {
    u16 result;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result) : "f"(value));
    return result;
}
#endif

__device__ __forceinline__ float rounded(float value) { return wide(narrow(value)); }

__device__ __forceinline__ void widen(const uint4& packed, float* values) {
    const unsigned words[4] = {packed.x, packed.y, packed.z, packed.w};
#pragma unroll
    for (int word = 0; word < 4; word++) {
        values[2 * word] = wide((u16)(words[word] & 0xffff));
        values[2 * word + 1] = wide((u16)(words[word] >> 16));
    }
}

__device__ __forceinline__ uint4 once(const uint4* address) {  // weights are read once a token: keep them out of L1
    uint4 value;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w) : "l"(address));
    return value;
}

__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
    for (int offset = 16; offset; offset /= 2) value += __shfl_xor_sync(ALL, value, offset);
    return value;
}

// A matrix of nf4: two weights a byte, the first in its upper half. Each 64 have a scale, an index into `steps`, times
// a float32 for each 256 scales, plus an offset.
struct Matrix {
    const uint4* packed;
    const u8* scales;
    const float* scales_of_scales;
    const float* offset;
};
#define MATRIX(name) const uint4* name##_packed, const u8* name##_scales, const float* name##_outer, const float* name##_offset
#define GIVEN(name) Matrix{name##_packed, name##_scales, name##_outer, name##_offset}

__device__ __forceinline__ float scale_at(const Matrix& matrix, const float* steps, int block) {
    return fmaf(steps[matrix.scales[block]], matrix.scales_of_scales[block >> 8], *matrix.offset);
}

// The input in shared memory, so that lane l of a warp finds its 32 columns of a chunk in four reads without conflicts.
__device__ __forceinline__ int place(int piece) { return (piece / 128 * 4 + piece % 4) * 32 + piece % 128 / 4; }

template <bool NORM>
__device__ void stage(const u16* input, const u16* weight, float epsilon, int columns, uint4* staged) {
    __shared__ float sums[WARPS];
    const int pieces = columns / 8, all = (columns + CHUNK - 1) / CHUNK * (CHUNK / 8);
    float sum = 0;
    for (int piece = threadIdx.x; piece < all; piece += THREADS) {
        const uint4 packed = piece < pieces ? ((const uint4*)input)[piece] : make_uint4(0, 0, 0, 0);
        staged[place(piece)] = packed;
        if (NORM) {
            float values[8];
            widen(packed, values);
#pragma unroll
            for (int n = 0; n < 8; n++) sum = fmaf(values[n], values[n], sum);
        }
    }
    if (NORM) {
        sum = warp_sum(sum);
        if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
        __syncthreads();
        sum = 0;
#pragma unroll
        for (int warp = 0; warp < WARPS; warp++) sum += sums[warp];
        const float factor = rsqrtf(sum / columns + epsilon);
        for (int piece = threadIdx.x; piece < pieces; piece += THREADS) {
            float values[8], weights[8];
            widen(staged[place(piece)], values);
            widen(((const uint4*)weight)[piece], weights);
            unsigned words[4];
#pragma unroll
            for (int n = 0; n < 4; n++) {
                const u16 low = narrow(weights[2 * n] * rounded(values[2 * n] * factor));
                const u16 high = narrow(weights[2 * n + 1] * rounded(values[2 * n + 1] * factor));
                words[n] = low | (unsigned)high << 16;
            }
            staged[place(piece)] = make_uint4(words[0], words[1], words[2], words[3]);
        }
    }
    __syncthreads();
}

// ROWS rows times the input, by SHARES warps together; PAIR: half of the rows are the same rows of a second matrix.
// The sums are complete in lane 0 of the first of those warps.
template <bool NORM, bool PAIR, int SHARES>
__device__ void multiply(const Matrix& first, const Matrix& second, int row, int columns, const u16* input,
                         const u16* weight, float epsilon, const float* levels, const float* steps, float* sums) {
    extern __shared__ uint4 staged[];
    __shared__ float step[256];
    __shared__ float shares[WARPS][ROWS];
    const int lane = threadIdx.x % 32, warp = __shfl_sync(ALL, threadIdx.x / 32, 0);  // known to be the same in a warp
    const int chunks = (columns + CHUNK - 1) / CHUNK;
    const float level = levels[lane % 16];  // the 16 values of nf4 lie in the lanes: a shuffle looks one up
    uint4 words[ROWS];
    auto column_of = [&](int chunk) { return chunk * CHUNK + lane * 32; };
    auto place_of = [&](int n, int column) {  // of 32 weights among those of the matrix
        return (int)(((long long)(PAIR ? row + n % (ROWS / 2) : row + n) * columns + column) / 32);
    };
    auto fetch = [&](int chunk) {
        const int column = column_of(chunk);
#pragma unroll
        for (int n = 0; n < ROWS; n++) {
            const Matrix& matrix = PAIR && n >= ROWS / 2 ? second : first;
            words[n] = column < columns ? once(matrix.packed + place_of(n, column)) : make_uint4(0, 0, 0, 0);
        }
    };
    int chunk = warp % SHARES;
    if (chunk < chunks) fetch(chunk);  // on their way while the input is made ready
    step[threadIdx.x] = steps[threadIdx.x];
    stage<NORM>(input, weight, epsilon, columns, staged);
#pragma unroll
    for (int n = 0; n < ROWS; n++) sums[n] = 0;
    for (; chunk < chunks; chunk += SHARES) {
        float values[32];
#pragma unroll
        for (int part = 0; part < 4; part++) widen(staged[(chunk * 4 + part) * 32 + lane], values + 8 * part);
        const int column = column_of(chunk);
        float partial[ROWS];
#pragma unroll
        for (int n = 0; n < ROWS; n++) {
            const unsigned packed[4] = {words[n].x, words[n].y, words[n].z, words[n].w};
            float even = 0, odd = 0;
#pragma unroll
            for (int word = 0; word < 4; word++) {
#pragma unroll
                for (int byte = 0; byte < 4; byte++) {
                    const int at = word * 8 + byte * 2;
                    even = fmaf(__shfl_sync(ALL, level, packed[word] >> (8 * byte + 4), 16), values[at], even);
                    odd = fmaf(__shfl_sync(ALL, level, packed[word] >> (8 * byte), 16), values[at + 1], odd);
                }
            }
            partial[n] = even + odd;
        }
        if (chunk + SHARES < chunks) fetch(chunk + SHARES);
        if (column < columns) {
#pragma unroll
            for (int n = 0; n < ROWS; n++) {
                const Matrix& matrix = PAIR && n >= ROWS / 2 ? second : first;
                sums[n] = fmaf(partial[n], scale_at(matrix, step, place_of(n, column) / 2), sums[n]);
            }
        }
    }
#pragma unroll
    for (int n = 0; n < ROWS; n++) sums[n] = warp_sum(sums[n]);
    if (SHARES > 1) {
        if (lane == 0) {
#pragma unroll
            for (int n = 0; n < ROWS; n++) shares[warp][n] = sums[n];
        }
        __syncthreads();
        if (warp % SHARES == 0) {
#pragma unroll
            for (int other = 1; other < SHARES; other++) {
#pragma unroll
                for (int n = 0; n < ROWS; n++) sums[n] += shares[warp + other][n];
            }
        }
    }
}

template <int SHARES>
__device__ __forceinline__ bool writes() {
    return threadIdx.x % 32 == 0 && threadIdx.x / 32 % SHARES == 0;
}

// The rows are dealt to the warps, `each` to every group of SHARES warps. A last block may have warps without rows of
// their own: they do the last ones over again, since all threads have to meet, and do not write them.
template <int SHARES>
__device__ __forceinline__ int own_row(int each) {
    return (blockIdx.x * (WARPS / SHARES) + threadIdx.x / 32 / SHARES) * each;
}

extern "C" __global__ void project(MATRIX(query), MATRIX(key), MATRIX(value), const float* levels, const float* steps,
                                   const u16* hidden, const u16* weight, float epsilon, int columns, int query_rows,
                                   int key_rows, u16* output) {
    const int own = own_row<SHARES_PROJECT>(ROWS), rows = query_rows + 2 * key_rows, row = min(own, rows - ROWS);
    const bool is_query = row < query_rows, is_key = row < query_rows + key_rows;
    const Matrix matrix = is_query ? GIVEN(query) : is_key ? GIVEN(key) : GIVEN(value);
    const int within = is_query ? row : is_key ? row - query_rows : row - query_rows - key_rows;
    float sums[ROWS];
    multiply<true, false, SHARES_PROJECT>(matrix, matrix, within, columns, hidden, weight, epsilon, levels,
                                          steps, sums);
    if (own < rows && writes<SHARES_PROJECT>()) {
#pragma unroll
        for (int n = 0; n < ROWS; n++) output[row + n] = narrow(sums[n]);
    }
}

extern "C" __global__ void activate(MATRIX(gate), MATRIX(up), const float* levels, const float* steps,
                                    const u16* hidden, const u16* weight, float epsilon, int columns, int rows,
                                    u16* output) {
    const int own = own_row<SHARES_ACTIVATE>(ROWS / 2), row = min(own, rows - ROWS / 2);
    float sums[ROWS];
    multiply<true, true, SHARES_ACTIVATE>(GIVEN(gate), GIVEN(up), row, columns, hidden, weight, epsilon, levels,
                                          steps, sums);
    if (own < rows && writes<SHARES_ACTIVATE>()) {
#pragma unroll
        for (int n = 0; n < ROWS / 2; n++) {
            const float gated = rounded(sums[n]);
            output[row + n] = narrow(rounded(gated / (1 + __expf(-gated))) * rounded(sums[n + ROWS / 2]));
        }
    }
}

template <int SHARES>
__device__ __forceinline__ void add(const Matrix& matrix, const float* levels, const float* steps, const u16* input,
                                    int columns, int rows, u16* hidden) {
    const int own = own_row<SHARES>(ROWS), row = min(own, rows - ROWS);
    float sums[ROWS];
    multiply<false, false, SHARES>(matrix, matrix, row, columns, input, input, 0, levels, steps, sums);
    if (own < rows && writes<SHARES>()) {
#pragma unroll
        for (int n = 0; n < ROWS; n++) hidden[row + n] = narrow(wide(hidden[row + n]) + rounded(sums[n]));
    }
}

extern "C" __global__ void add_attended(MATRIX(matrix), const float* levels, const float* steps, const u16* input,
                                        int columns, int rows, u16* hidden) {
    add<SHARES_ATTENDED>(GIVEN(matrix), levels, steps, input, columns, rows, hidden);
}

extern "C" __global__ void add_activated(MATRIX(matrix), const float* levels, const float* steps, const u16* input,
                                         int columns, int rows, u16* hidden) {
    add<SHARES_ACTIVATED>(GIVEN(matrix), levels, steps, input, columns, rows, hidden);
}

#define LANES (HEAD_DIM / 8)        // lanes that share a position: 16 bytes of it each
#define LANE_GROUPS (THREADS / LANES)
#define TILE 4                      // positions that such lanes read at once
#define SMALLEST 64                 // positions that are worth a block of their own

__device__ __forceinline__ float rotated(const u16* head, const u16* cosine, const u16* sine, int at) {
    const float partner = at < HEAD_DIM / 2 ? -wide(head[at + HEAD_DIM / 2]) : wide(head[at - HEAD_DIM / 2]);
    return rounded(rounded(wide(head[at]) * wide(cosine[at])) + rounded(partner * wide(sine[at])));
}

struct Softmax {  // over some positions: the largest score, the sum of exponentials, and 8 columns of the values
    float largest, sum, values[8];
};

__device__ __forceinline__ void join(Softmax& own, int offset) {  // with that of the lane so far away, for both
    const float other = __shfl_xor_sync(ALL, own.largest, offset), top = fmaxf(own.largest, other);
    const float mine = __expf(own.largest - top), theirs = __expf(other - top);
    own.largest = top;
    own.sum = own.sum * mine + __shfl_xor_sync(ALL, own.sum, offset) * theirs;
#pragma unroll
    for (int n = 0; n < 8; n++) own.values[n] = own.values[n] * mine + __shfl_xor_sync(ALL, own.values[n], offset) * theirs;
}

// Grid: key heads by SPLITS. Each block attends to its share of the positions, for all query heads of one key head;
// the last one to be done puts the shares together.
extern "C" __global__ void attend(const u16* projected, const u16* cosine, const u16* sine, u16* keys, u16* values,
                                  const long long* position, int length, float scaling, float* partials,
                                  unsigned* done, u16* output) {
    __shared__ float query[GROUP][HEAD_DIM];
    __shared__ float merged[WARPS][GROUP][HEAD_DIM];
    __shared__ float largest[WARPS][GROUP], sums[WARPS][GROUP];
    __shared__ bool last;
    const int head = blockIdx.x, heads = gridDim.x, now = (int)*position, count = now + 1;
    int share = (count + SPLITS - 1) / SPLITS;
    if (share < SMALLEST) share = SMALLEST;
    const int begin = blockIdx.y * share, end = min(begin + share, count), active = (count + share - 1) / share;
    if (begin >= count) return;
    u16* own_keys = keys + (long long)head * length * HEAD_DIM;
    u16* own_values = values + (long long)head * length * HEAD_DIM;
    const u16* own_queries = projected + head * GROUP * HEAD_DIM;
    const u16* new_key = projected + (heads * GROUP + head) * HEAD_DIM;
    const u16* new_value = new_key + heads * HEAD_DIM;
    for (int n = threadIdx.x; n < GROUP * HEAD_DIM; n += THREADS) {
        const int of = n / HEAD_DIM, at = n % HEAD_DIM;
        query[of][at] = rotated(own_queries + of * HEAD_DIM, cosine, sine, at) * scaling;
    }
    if (end == count) {
        for (int at = threadIdx.x; at < HEAD_DIM; at += THREADS) {
            own_keys[(long long)now * HEAD_DIM + at] = narrow(rotated(new_key, cosine, sine, at));
            own_values[(long long)now * HEAD_DIM + at] = new_value[at];
        }
    }
    __syncthreads();
    const int lane = threadIdx.x % LANES, group = threadIdx.x / LANES, warp = threadIdx.x / 32;
    Softmax soft[GROUP];
    float part[GROUP][8];  // of the queries: the columns of this lane
#pragma unroll
    for (int of = 0; of < GROUP; of++) {
        soft[of].largest = -1e30f;
        soft[of].sum = 0;
#pragma unroll
        for (int n = 0; n < 8; n++) {
            soft[of].values[n] = 0;
            part[of][n] = query[of][lane * 8 + n];
        }
    }
    // Every lane takes part in every round, since they exchange sums; what is past the end weighs nothing.
    for (int from = begin + group; from - group < end; from += TILE * LANE_GROUPS) {
        uint4 key[TILE], value[TILE];
#pragma unroll
        for (int tile = 0; tile < TILE; tile++) {
            const int at = min(from + tile * LANE_GROUPS, end - 1);
            key[tile] = ((const uint4*)own_keys)[(long long)at * LANES + lane];
            value[tile] = ((const uint4*)own_values)[(long long)at * LANES + lane];
        }
        float scores[GROUP][TILE];
#pragma unroll
        for (int tile = 0; tile < TILE; tile++) {
            float columns[8];
            widen(key[tile], columns);
#pragma unroll
            for (int of = 0; of < GROUP; of++) {
                float score = 0;
#pragma unroll
                for (int n = 0; n < 8; n++) score = fmaf(part[of][n], columns[n], score);
#pragma unroll
                for (int offset = LANES / 2; offset; offset /= 2) score += __shfl_xor_sync(ALL, score, offset);
                scores[of][tile] = from + tile * LANE_GROUPS < end ? score : -1e30f;
            }
        }
#pragma unroll
        for (int of = 0; of < GROUP; of++) {
            float top = soft[of].largest;
#pragma unroll
            for (int tile = 0; tile < TILE; tile++) top = fmaxf(top, scores[of][tile]);
            const float before = __expf(soft[of].largest - top);
            soft[of].largest = top;
            soft[of].sum *= before;
#pragma unroll
            for (int n = 0; n < 8; n++) soft[of].values[n] *= before;
#pragma unroll
            for (int tile = 0; tile < TILE; tile++) {
                scores[of][tile] = from + tile * LANE_GROUPS < end ? __expf(scores[of][tile] - top) : 0;
                soft[of].sum += scores[of][tile];
            }
        }
#pragma unroll
        for (int tile = 0; tile < TILE; tile++) {
            float columns[8];
            widen(value[tile], columns);
#pragma unroll
            for (int of = 0; of < GROUP; of++) {
#pragma unroll
                for (int n = 0; n < 8; n++) soft[of].values[n] = fmaf(scores[of][tile], columns[n], soft[of].values[n]);
            }
        }
    }
#pragma unroll
    for (int of = 0; of < GROUP; of++) {
#pragma unroll
        for (int offset = LANES; offset < 32; offset *= 2) join(soft[of], offset);
        if (threadIdx.x % 32 < LANES) {
            largest[warp][of] = soft[of].largest;
            sums[warp][of] = soft[of].sum;
#pragma unroll
            for (int n = 0; n < 8; n++) merged[warp][of][lane * 8 + n] = soft[of].values[n];
        }
    }
    __syncthreads();
    const int stride = HEAD_DIM + 2;
#pragma unroll 1
    for (int of = 0; of < GROUP; of++) {
        float top = -1e30f;
#pragma unroll
        for (int other = 0; other < WARPS; other++) top = fmaxf(top, largest[other][of]);
        float* partial = partials + ((head * GROUP + of) * SPLITS + blockIdx.y) * stride;
        for (int at = threadIdx.x; at < HEAD_DIM; at += THREADS) {
            float total = 0;
#pragma unroll
            for (int other = 0; other < WARPS; other++)
                total = fmaf(merged[other][of][at], __expf(largest[other][of] - top), total);
            partial[at] = total;
        }
        if (threadIdx.x == THREADS - 1) {
            float sum = 0;
#pragma unroll
            for (int other = 0; other < WARPS; other++)
                sum = fmaf(sums[other][of], __expf(largest[other][of] - top), sum);
            partial[HEAD_DIM] = top;
            partial[HEAD_DIM + 1] = sum;
        }
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicAdd(done + head, 1) == active - 1;
    __syncthreads();
    if (!last) return;
    __threadfence();
    for (int n = threadIdx.x; n < GROUP * HEAD_DIM; n += THREADS) {
        const int of = n / HEAD_DIM, at = n % HEAD_DIM;
        const volatile float* partial = partials + (head * GROUP + of) * SPLITS * stride;
        float top = -1e30f, sum = 0, total = 0;
        for (int other = 0; other < active; other++) top = fmaxf(top, partial[other * stride + HEAD_DIM]);
        for (int other = 0; other < active; other++) {
            const float weight = __expf(partial[other * stride + HEAD_DIM] - top);
            sum = fmaf(partial[other * stride + HEAD_DIM + 1], weight, sum);
            total = fmaf(partial[other * stride + at], weight, total);
        }
        output[(head * GROUP + of) * HEAD_DIM + at] = narrow(total / sum);
    }
    if (threadIdx.x == 0) done[head] = 0;
}
