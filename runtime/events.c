/* Records of events, by hand: what TensorBoard reads of them is small and fixed. */
#include "runtime/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    CHECK_BYTES = 4,
    HEAD_BYTES = 8 + CHECK_BYTES,
    MOST_DATA = 1 << 24,
    TIME_FIELD = 9,
    /* A field's number and how its value is written: a double, a varint, bytes, a float. */
    EVENT_TIME = 1 << 3 | 1,
    EVENT_STEP = 2 << 3 | 0,
    EVENT_VERSION = 3 << 3 | 2,
    EVENT_SUMMARY = 5 << 3 | 2,
    SUMMARY_VALUE = 1 << 3 | 2,
    VALUE_TAG = 1 << 3 | 2,
    VALUE_NUMBER = 2 << 3 | 5
};

/* CRC-32C (Castagnoli), masked as these files have it. */
static uint32_t check_of(const void *bytes, size_t count)
{
    uint32_t crc = ~0u;
    for (const unsigned char *at = bytes; at < (const unsigned char *)bytes + count; at++) {
        crc ^= *at;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void put_low_first(FILE *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        putc((int)(value >> 8 * i & 0xff), to);
}

static void put_varint(FILE *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        putc((int)(value & 0x7f) | 0x80, to);
    putc((int)value, to);
}

static void put_bytes(FILE *to, int field, const void *bytes, size_t count)
{
    putc(field, to);
    put_varint(to, count);
    fwrite(bytes, 1, count, to);
}

static void put_time(FILE *to)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double seconds = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    uint64_t bits;
    memcpy(&bits, &seconds, sizeof bits);
    putc(EVENT_TIME, to);
    put_low_first(to, bits, 8);
}

static bool put_record(FILE *to, const void *data, size_t count)
{
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(count >> 8 * i);
    fwrite(length, 1, sizeof length, to);
    put_low_first(to, check_of(length, sizeof length), CHECK_BYTES);
    fwrite(data, 1, count, to);
    put_low_first(to, check_of(data, count), CHECK_BYTES);
    return fflush(to) == 0 && !ferror(to);
}

/* ---- events --------------------------------------------------------------------------------- */

/* Bytes that are put together: a stream into memory. */
typedef struct Part {
    FILE *to;
    char *bytes;
    size_t count;
} Part;

static bool part_open(Part *p)
{
    *p = (Part){0};
    p->to = open_memstream(&p->bytes, &p->count);
    return p->to != NULL;
}

/* Hands the bytes over: the caller frees them. */
static bool part_close(Part *p)
{
    return fclose(p->to) == 0;
}

static void put_number(FILE *summary, const char *tag, double number)
{
    Part value;
    float narrow = (float)number;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    if (!part_open(&value))
        return;
    put_bytes(value.to, VALUE_TAG, tag, strlen(tag));
    putc(VALUE_NUMBER, value.to);
    put_low_first(value.to, bits, sizeof bits);
    if (part_close(&value))
        put_bytes(summary, SUMMARY_VALUE, value.bytes, value.count);
    free(value.bytes);
}

/* Numbers under the name of their split and, of each cost, the word costs; not those that say where
 * the run is, nor null. */
static void put_numbers(FILE *summary, const char *under, const cJSON *line)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, line)
    {
        char tag[500];
        bool place = strcmp(item->string, "step") == 0 || strcmp(item->string, "rows") == 0 ||
                     strcmp(item->string, "seconds") == 0;
        snprintf(tag, sizeof tag, "%s/%s", under, item->string);
        if (cJSON_IsObject(item))
            put_numbers(summary, tag, item);
        else if (cJSON_IsNumber(item) && !place)
            put_number(summary, tag, item->valuedouble);
    }
}

bool sgrt_events_add(FILE *f, const cJSON *line)
{
    Part event, summary;
    const char *split = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "split"));
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(line, "step");
    if (!split || !step || !part_open(&summary))
        return false;
    put_numbers(summary.to, split, line);
    bool added = part_close(&summary) && part_open(&event);
    if (added) {
        put_time(event.to);
        putc(EVENT_STEP, event.to);
        put_varint(event.to, (uint64_t)step->valuedouble);
        put_bytes(event.to, EVENT_SUMMARY, summary.bytes, summary.count);
        added = part_close(&event) && put_record(f, event.bytes, event.count);
        free(event.bytes);
    }
    free(summary.bytes);
    return added;
}

/* ---- going on ------------------------------------------------------------------------------- */

static uint64_t low_first(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

/* The step of an event as it is written here: behind the time.  That of the version is 0. */
static int64_t step_of(const unsigned char *data, size_t count)
{
    uint64_t step = 0;
    if (count > TIME_FIELD + 1 && data[TIME_FIELD] == EVENT_STEP)
        for (size_t at = TIME_FIELD + 1, shift = 0; at < count && shift < 63; at++, shift += 7) {
            step |= (uint64_t)(data[at] & 0x7f) << shift;
            if (data[at] < 0x80)
                break;
        }
    return (int64_t)step;
}

/* Reads a record: its step, or -1 if it is not whole. */
static int64_t read_record(FILE *f)
{
    unsigned char head[HEAD_BYTES], check[CHECK_BYTES];
    if (fread(head, sizeof head, 1, f) != 1 ||
        low_first(head + 8, CHECK_BYTES) != check_of(head, 8))
        return -1;
    uint64_t count = low_first(head, 8);
    unsigned char *data = count <= MOST_DATA ? malloc(count + 1) : NULL;
    bool whole = data && fread(data, 1, count, f) == count &&
                 fread(check, sizeof check, 1, f) == 1 &&
                 low_first(check, CHECK_BYTES) == check_of(data, count);
    int64_t step = whole ? step_of(data, count) : -1;
    free(data);
    return step;
}

/* Where the events of later steps, or half a record of a run that was killed, begin. */
static long kept_length(FILE *f, int64_t step)
{
    long end = 0;
    rewind(f);
    for (int64_t at; (at = read_record(f)) >= 0 && at <= step;)
        end = ftell(f);
    return end;
}

static bool put_version(FILE *f)
{
    static const char version[] = "brain.Event:2";
    Part event;
    if (!part_open(&event))
        return false;
    put_time(event.to);
    put_bytes(event.to, EVENT_VERSION, version, sizeof version - 1);
    bool put = part_close(&event) && put_record(f, event.bytes, event.count);
    free(event.bytes);
    return put;
}

FILE *sgrt_events_open(const char *path, int64_t step, SgrtError *e)
{
    FILE *f = fopen(path, "a+");
    long kept = f ? kept_length(f, step) : -1;
    if (f && ftruncate(fileno(f), kept) == 0 && (kept > 0 || put_version(f)))
        return f;
    sgrt_fail(e, "%s: %s", path, strerror(errno));
    if (f)
        fclose(f);
    return NULL;
}
