/* ImageNet weights: every container and layout is read value by value; what is tampered with,
 * truncated or something else is refused by name with a remedy. */
#include "support.h"

#include "base/rng.h"
#include "fuzz/fuzz_weights.c"
#include "weights/layouts.h"
#include "weights/weights.h"

static const char *const corpora[] = {"h5", "pth", "safetensors"};

static leuko_status open_seed(const char *name, tensor_file **out, leuko_error *error) {
  char path[PATH], within[200];
  snprintf(within, sizeof within, "tests/fuzz/corpus/%.100s", name);
  test_path(path, within);
  *error = (leuko_error){0};
  return tensor_file_open(path, out, error);
}

static tensor_file *opened_seed(const char *name) {
  leuko_error error;
  tensor_file *file = NULL;
  if (open_seed(name, &file, &error) != LEUKO_OK) fail_msg("%s: %s", name, error.message);
  return file;
}

/* Value number i of a seed's tensor. */
static float ramp(size_t i) {
  return (float)i / 4 - 3;
}

static void assert_ramp(tensor_file *file, const char *name, int rank, const size_t *dims) {
  float values[4096];
  size_t count = 1;
  leuko_error error = {0};
  for (int d = 0; d < rank; d++) count *= dims[d];
  if (tensor_file_read(file, name, rank, dims, values, &error) != LEUKO_OK)
    fail_msg("%s: %s", name, error.message);
  for (size_t i = 0; i < count; i++) assert_float_equal(values[i], ramp(i), 0);
}

static void assert_unreadable(tensor_file *file, const char *name, int rank, const size_t *dims,
                              const char *why) {
  float values[64];
  leuko_error error = {0};
  assert_int_equal(tensor_file_read(file, name, rank, dims, values, &error), LEUKO_BAD_DATA);
  if (!strstr(error.message, why)) fail_msg("'%s' does not say '%s'", error.message, why);
  assert_non_null(strstr(error.message, name));
  assert_string_not_equal(error.remedy, "");
}

static void assert_refused(const char *seed, const char *why) {
  leuko_error error;
  tensor_file *file = NULL;
  assert_int_equal(open_seed(seed, &file, &error), LEUKO_BAD_DATA);
  assert_null(file);
  if (!strstr(error.message, why)) fail_msg("%s: '%s' does not say '%s'", seed, error.message, why);
  assert_non_null(strstr(error.file, seed));
  assert_string_not_equal(error.remedy, "");
}

/* ---- containers ---- */

static const size_t four[] = {4}, two_four[] = {2, 4}, four_three[] = {4, 3};
static const size_t hwio[] = {3, 3, 2, 4}, oihw[] = {4, 2, 3, 3}, one_one[] = {1, 1, 2, 4};

static void hdf5_is_read_as_keras_writes_it(void **state) {
  (void)state;
  size_t count;
  const char *const seeds[] = {"h5/older.h5", "h5/whole.h5"};
  for (int i = 0; i < 2; i++) {
    tensor_file *file = opened_seed(seeds[i]);
    assert_string_equal(tensor_file_container(file), "hdf5");
    assert_ramp(file, "conv1/conv1_W_1", 4, hwio);
    assert_ramp(file, "conv1/conv1_b_1", 1, four);
    tensor_file_close(file);
  }
  tensor_file *file = opened_seed("h5/newer.h5");
  tensor_file_list(file, &count);
  assert_int_equal(count, 18);
  assert_ramp(file, "conv8_conv/conv8_conv/kernel", 4, one_one);
  assert_ramp(file, "conv0_conv/conv0_conv/bias", 1, four);
  tensor_file_close(file);
  file = opened_seed("h5/compact.h5");
  assert_ramp(file, "w", 2, two_four);
  tensor_file_close(file);
}

static void hdf5_says_why_a_tensor_is_of_no_use(void **state) {
  (void)state;
  tensor_file *file = opened_seed("h5/unreadable.h5");
  const size_t square[] = {4, 4}, none[] = {0, 3}, two_three[] = {2, 3};
  assert_unreadable(file, "chunked", 2, square, "stored in chunks");
  assert_unreadable(file, "compressed", 2, square, "is compressed");
  assert_unreadable(file, "double", 1, four, "not float32");
  assert_unreadable(file, "half", 1, four, "not float32");
  assert_unreadable(file, "big_endian", 1, four, "not float32");
  assert_unreadable(file, "text", 0, NULL, "not float32");
  assert_unreadable(file, "empty", 2, none, "has no values");
  assert_unreadable(file, "unwritten", 2, two_three, "has no values");
  assert_unreadable(file, "elsewhere", 1, four, "in another file");
  assert_unreadable(file, "nan", 1, four, "not a finite number");
  assert_unreadable(file, "deep", 4, hwio, "is 5 dimensions");
  assert_unreadable(file, "nowhere", 1, four, "is missing");
  assert_unreadable(file, "chunked", 1, four, "is 4 x 4, not 4");
  float single;
  assert_int_equal(tensor_file_read(file, "single", 0, NULL, &single, NULL), LEUKO_OK);
  assert_float_equal(single, 0.5, 0);
  tensor_file_close(file);
}

static void broken_hdf5_is_refused(void **state) {
  (void)state;
  assert_refused("h5/truncated.h5", "truncated");
  assert_refused("h5/latest.h5", "later form");
  assert_refused("h5/link.h5", "later form"); /* a link into another file */
  /* A group within itself ends at the limit of depth. */
  assert_refused("h5/circle.h5", "nested too deep");
}

static void pickled_state_dicts_are_read(void **state) {
  (void)state;
  const char *const seeds[] = {"pth/archive.pth", "pth/stream.pth"};
  for (int i = 0; i < 2; i++) {
    tensor_file *file = opened_seed(seeds[i]);
    assert_string_equal(tensor_file_container(file), "pth");
    assert_ramp(file, "features.0.weight", 4, oihw);
    assert_ramp(file, "features.0.bias", 1, four);
    /* A transposed view of 3 x 4 values, and the second row of them. */
    float values[12];
    assert_int_equal(tensor_file_read(file, "turned", 2, four_three, values, NULL), LEUKO_OK);
    for (size_t r = 0; r < 4; r++)
      for (size_t c = 0; c < 3; c++) assert_float_equal(values[3 * r + c], ramp(4 * c + r), 0);
    assert_int_equal(tensor_file_read(file, "middle", 1, four, values, NULL), LEUKO_OK);
    for (size_t k = 0; k < 4; k++) assert_float_equal(values[k], ramp(4 + k), 0);
    const size_t two[] = {2};
    assert_unreadable(file, "half", 1, four, "not float32");
    assert_unreadable(file, "nan", 1, two, "not a finite number");
    assert_unreadable(file, "bn1.num_batches_tracked", 0, NULL, "not float32");
    tensor_file_close(file);
  }
  tensor_file *file = opened_seed("pth/python2.pth");
  assert_ramp(file, "conv.bias", 1, four);
  tensor_file_close(file);
}

static void a_pickle_may_ask_for_tensors_only(void **state) {
  (void)state;
  assert_refused("pth/system.pth", "asks for 'posix.system'");
  assert_refused("pth/system-archive.pth", "asks for 'posix.system'");
  assert_refused("pth/eval.pth", "asks for '__builtin__.eval'");
  assert_refused("pth/module.pth", "asks for 'torch.nn.modules.conv.Conv2d'");
  assert_refused("pth/protocol.pth", "another protocol");
  assert_refused("pth/list.pth", "not a state dict");
  assert_refused("pth/checkpoint.pth", "state_dict");
  assert_refused("pth/tar.pth", "tar archive");
}

static void safetensors_are_read(void **state) {
  (void)state;
  tensor_file *file = opened_seed("safetensors/good.safetensors");
  const size_t two[] = {2}, one[] = {1};
  assert_string_equal(tensor_file_container(file), "safetensors");
  assert_ramp(file, "features.0.weight", 4, oihw);
  assert_ramp(file, "features.0.bias", 1, four);
  assert_unreadable(file, "half", 1, two, "not float32");
  assert_unreadable(file, "count", 1, one, "not float32");
  tensor_file_close(file);
  assert_refused("safetensors/huge.safetensors", "does not fit its shape");
  assert_refused("safetensors/impossible.safetensors", "impossible size");
  assert_refused("safetensors/tail.safetensors", "unused");
  assert_refused("safetensors/truncated.safetensors", "outside the file");
}

/* Every seed as it is, cut off at many places, and with bytes changed: nothing may happen but an
 * answer or a refusal. (Sanitizers see what this alone would not.) */
static void no_file_does_harm(void **state) {
  (void)state;
  rng r = rng_open(7, RNG_TEST, 0, 0);
  int seeds = 0;
  for (int c = 0; c < 3; c++) {
    char folder[PATH], within[200];
    snprintf(within, sizeof within, "tests/fuzz/corpus/%s", corpora[c]);
    test_path(folder, within);
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    for (struct dirent *entry; (entry = readdir(stream));) {
      if (entry->d_name[0] == '.') continue;
      seeds++;
      char path[PATH], *data;
      size_t size;
      snprintf(path, sizeof path, "%.700s/%.255s", folder, entry->d_name);
      assert_int_equal(file_read(path, 0, &data, &size, NULL), LEUKO_OK);
      LLVMFuzzerTestOneInput((const uint8_t *)data, size);
      for (int i = 0; i < 40; i++)
        LLVMFuzzerTestOneInput((const uint8_t *)data, rng_below(&r, (uint32_t)size + 1));
      for (int i = 0; i < 160; i++) {
        uint32_t place = rng_below(&r, (uint32_t)size), near = (uint32_t)(size < 600 ? size : 600);
        if (i % 2) place = rng_below(&r, near); /* heads are at the beginning */
        char kept = data[place];
        data[place] = (char)(i % 4 < 2 ? rng_u32(&r) : (uint32_t)(kept ^ 1 << i % 8));
        LLVMFuzzerTestOneInput((const uint8_t *)data, size);
        data[place] = kept;
      }
      free(data);
    }
    closedir(stream);
  }
  assert_true(seeds > 20);
}

/* ---- layouts ---- */

/* One line of tests/fixtures/weight_names.txt. */
typedef struct {
  char layout[32], name[LAYOUT_NAME];
  size_t dims[4], count, place; /* place of its values in the file, in floats */
  int rank;
} line;

static line *read_lines(const char *layout, size_t *count) {
  char path[PATH], word[64];
  test_path(path, "tests/fixtures/weight_names.txt");
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  line *lines = calloc(400, sizeof *lines);
  assert_non_null(lines);
  size_t place = 0;
  *count = 0;
  for (line l;
       memset(&l, 0, sizeof l), fscanf(file, "%31s %159s %63s", l.layout, l.name, word) == 3;) {
    if (strcmp(l.layout, layout) != 0) continue;
    l.count = 1;
    for (char *at = word; *at; at += *at == 'x') {
      l.dims[l.rank] = strtoul(at, &at, 10);
      l.count *= l.dims[l.rank++];
    }
    l.place = place;
    place += l.count;
    assert_true(*count < 400);
    lines[(*count)++] = l;
  }
  fclose(file);
  return lines;
}

/* What is to be done to a file of zeros before it is read. */
typedef struct {
  const char *name; /* of the tensor; NULL: nothing */
  bool missing, shape;
  float value; /* written at its end unless 0 */
} change;

/* A safetensors file with the layout's tensors: zeros but for a mark at the beginning of each,
 * which is its line's number from 1. The zeros are a hole in the file. */
static void write_marked(const char *path, const line *lines, size_t count, const change *with) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  static char header[1 << 17];
  size_t length = (size_t)sprintf(header, "{\"__metadata__\":{\"format\":\"pt\"}");
  for (size_t i = 0; i < count; i++) {
    const line *l = &lines[i];
    bool meant = with && with->name && strcmp(with->name, l->name) == 0;
    length += (size_t)sprintf(header + length, ",\"%s%s\":{\"dtype\":\"F32\",\"shape\":[", l->name,
                              meant && with->missing ? ".other" : "");
    if (meant && with->shape) length += (size_t)sprintf(header + length, "%zu", l->count);
    for (int d = 0; d < l->rank && !(meant && with->shape); d++)
      length += (size_t)sprintf(header + length, "%s%zu", d ? "," : "", l->dims[d]);
    length += (size_t)sprintf(header + length, "],\"data_offsets\":[%zu,%zu]}", 4 * l->place,
                              4 * (l->place + l->count));
  }
  header[length++] = '}';
  uint64_t size = length;
  fwrite(&size, 8, 1, file);
  fwrite(header, 1, length, file);
  const line *last = &lines[count - 1];
  for (size_t i = 0; i < count; i++) {
    float mark = (float)(i + 1);
    fseek(file, (long)(8 + length + 4 * lines[i].place), SEEK_SET);
    fwrite(&mark, 4, 1, file);
    if (!with || !with->name || with->value == 0 || strcmp(with->name, lines[i].name) != 0)
      continue;
    fseek(file, (long)(8 + length + 4 * (lines[i].place + lines[i].count - 1)), SEEK_SET);
    fwrite(&with->value, 4, 1, file);
  }
  fflush(file);
  assert_int_equal(ftruncate(fileno(file), (off_t)(8 + length + 4 * (last->place + last->count))),
                   0);
  assert_int_equal(fclose(file), 0);
}

static net_graph *built_base(const char *network, const zoo_options *from) {
  zoo_options options;
  net_graph *graph = NULL;
  assert_int_equal(zoo_defaults(network, &options, NULL), LEUKO_OK);
  options.form = from->form;
  options.epsilon = from->epsilon;
  assert_int_equal(zoo_build_base(&options, &graph, NULL), LEUKO_OK);
  return graph;
}

static const struct {
  const char *layout, *network;
  zoo_form form;
  double epsilon;
} layouts[] = {{"keras-vgg16", "vgg16", ZOO_KERAS, 0},
               {"keras-vgg16-newer", "vgg16", ZOO_KERAS, 0},
               {"torchvision-vgg16", "vgg16", ZOO_TORCH, 0},
               {"keras-resnet50", "resnet50", ZOO_KERAS, 1.001e-5},
               {"keras-resnet50-older", "resnet50", ZOO_KERAS, 1e-3},
               {"torchvision-resnet50", "resnet50", ZOO_TORCH, 1e-5}};

/* Every parameter of the base gets the tensor that its layout names, no tensor serves twice, and
 * none is left over. */
static void every_layout_fills_the_base(void **state) {
  const char *folder = *state;
  for (size_t k = 0; k < sizeof layouts / sizeof *layouts; k++) {
    char path[PATH];
    snprintf(path, sizeof path, "%.900s/w.safetensors", folder);
    size_t count;
    line *lines = read_lines(layouts[k].layout, &count);
    write_marked(path, lines, count, NULL);
    weights_source source;
    zoo_options options;
    leuko_error error = {0};
    assert_int_equal(zoo_defaults(layouts[k].network, &options, NULL), LEUKO_OK);
    assert_int_equal(weights_identify(path, layouts[k].network, &options, &source, &error),
                     LEUKO_OK);
    assert_string_equal(source.name, layouts[k].layout);
    assert_string_equal(source.network, layouts[k].network);
    assert_int_equal(options.form, layouts[k].form);
    if (layouts[k].epsilon > 0) assert_true(options.epsilon == layouts[k].epsilon);
    assert_int_equal(source.scaling.reverse, layouts[k].form == ZOO_KERAS);
    assert_null(source.official);
    net_graph *graph = built_base(layouts[k].network, &options);
    float *params = calloc(graph->param_floats, sizeof *params);
    assert_non_null(params);
    if (weights_load(path, graph, params, &source, &error) != LEUKO_OK)
      fail_msg("%s", error.message);
    bool *used = calloc(count, sizeof *used);
    assert_non_null(used);
    assert_int_equal(graph->param_count, count);
    for (int p = 0; p < graph->param_count; p++) {
      size_t mark = (size_t)params[graph->params[p].offset];
      assert_true(mark >= 1 && mark <= count);
      assert_false(used[mark - 1]);
      used[mark - 1] = true;
      /* The shape has been compared in reading; the part is compared here. */
      const char *part = strrchr(graph->params[p].name, '/') + 1, *name = lines[mark - 1].name;
      if (strcmp(part, "variance") == 0) assert_true(strstr(name, "var") || strstr(name, "std"));
      if (strcmp(part, "mean") == 0) assert_non_null(strstr(name, "mean"));
    }
    free(used);
    free(params);
    free(lines);
    net_graph_free(graph);
  }
}

/* The one value that is not zero moves from [out][in][y][x] to [y][x][in][out]. */
static void kernels_of_torch_are_turned(void **state) {
  char path[PATH];
  snprintf(path, sizeof path, "%.900s/w.safetensors", (const char *)*state);
  size_t count;
  line *lines = read_lines("torchvision-vgg16", &count);
  const change with = {.name = "features.0.weight", .value = 5};
  write_marked(path, lines, count, &with);
  net_graph *graph = built_base("vgg16", &(zoo_options){.form = ZOO_TORCH, .epsilon = 1e-5});
  float *params = calloc(graph->param_floats, sizeof *params);
  assert_non_null(params);
  assert_int_equal(weights_load(path, graph, params, NULL, NULL), LEUKO_OK);
  const net_param *kernel = &graph->params[net_find_param(graph, "block1_conv1/kernel")];
  assert_float_equal(params[kernel->offset + kernel->count - 1], 5, 0);
  /* The mark of a kernel is at its first place in both orders. */
  assert_true(params[kernel->offset] >= 1);
  free(lines);
  free(params);
  net_graph_free(graph);
}

static void assert_tampered(const char *folder, const char *layout, const char *network,
                            change with, const char *why) {
  char path[PATH];
  snprintf(path, sizeof path, "%.900s/w.safetensors", folder);
  size_t count;
  line *lines = read_lines(layout, &count);
  write_marked(path, lines, count, &with);
  weights_source source;
  leuko_error error = {0};
  assert_int_equal(weights_check(path, &source, &error), LEUKO_BAD_DATA);
  if (!strstr(error.message, why)) fail_msg("'%s' does not say '%s'", error.message, why);
  assert_non_null(strstr(error.message, with.name));
  assert_string_equal(error.file, path);
  assert_string_not_equal(error.remedy, "");
  free(lines);
  (void)network;
}

static void tampered_weights_are_refused(void **state) {
  const char *folder = *state;
  const char *kernel = "features.10.weight", *variance = "layer2.1.bn2.running_var";
  assert_tampered(folder, "torchvision-vgg16", "vgg16", (change){kernel, .missing = true},
                  "is missing");
  assert_tampered(folder, "torchvision-vgg16", "vgg16", (change){kernel, .shape = true},
                  "not 256 x 128 x 3 x 3");
  assert_tampered(folder, "torchvision-vgg16", "vgg16", (change){kernel, .value = NAN},
                  "not a finite number");
  assert_tampered(folder, "torchvision-vgg16", "vgg16", (change){kernel, .value = INFINITY},
                  "not a finite number");
  assert_tampered(folder, "torchvision-resnet50", "resnet50", (change){variance, .value = -1},
                  "variance below zero");
}

static void another_network_is_refused(void **state) {
  char path[PATH];
  snprintf(path, sizeof path, "%.900s/w.safetensors", (const char *)*state);
  size_t count;
  line *lines = read_lines("torchvision-vgg16", &count);
  write_marked(path, lines, count, NULL);
  weights_source source;
  leuko_error error = {0};
  assert_int_equal(weights_identify(path, "resnet50", NULL, &source, &error), LEUKO_BAD_DATA);
  assert_string_equal(error.message, "the weights of vgg16, not of resnet50");
  assert_non_null(strstr(error.remedy, "leuko weights pull resnet50"));
  free(lines);
  /* Keras's weights in a graph of torchvision's form would lose their biases. */
  lines = read_lines("keras-resnet50", &count);
  write_marked(path, lines, count, NULL);
  net_graph *graph = built_base("resnet50", &(zoo_options){.form = ZOO_TORCH, .epsilon = 1e-5});
  float *params = calloc(graph->param_floats, sizeof *params);
  assert_int_equal(weights_load(path, graph, params, NULL, &error), LEUKO_ARGUMENT);
  free(params);
  free(lines);
  net_graph_free(graph);
  test_path(path, "tests/fuzz/corpus/h5/compact.h5");
  assert_int_equal(weights_identify(path, NULL, NULL, &source, &error), LEUKO_BAD_DATA);
  assert_non_null(strstr(error.message, "no known layout"));
  test_path(path, "Makefile");
  assert_int_equal(weights_identify(path, NULL, NULL, &source, &error), LEUKO_BAD_DATA);
  assert_non_null(strstr(error.message, "not a weight file"));
}

/* ---- places ---- */

static void weights_are_found_in_order(void **state) {
  const char *folder = *state;
  char found[PATH], place[PATH];
  leuko_error error = {0};
  unsetenv("LEUKO_WEIGHTS");
  setenv("XDG_CACHE_HOME", folder, 1);
  assert_int_equal(weights_find("vgg16", NULL, found, sizeof found, &error), LEUKO_NOT_FOUND);
  assert_non_null(strstr(error.remedy, "leuko weights pull vgg16"));
  assert_int_equal(weights_find("vgg16", folder, found, sizeof found, &error), LEUKO_NOT_FOUND);
  assert_non_null(strstr(error.remedy, "leuko weights pull vgg16"));
  assert_int_equal(weights_find("vgg16", "/none/there", found, sizeof found, &error),
                   LEUKO_NOT_FOUND);
  snprintf(place, sizeof place, "%.900s/leuko/weights", folder);
  test_write(NULL, place, "my-vgg16.h5", "x", 1);
  test_write(NULL, place, "vgg16.txt", "x", 1);
  assert_int_equal(weights_find("vgg16", NULL, found, sizeof found, &error), LEUKO_OK);
  assert_non_null(strstr(found, "/my-vgg16.h5"));
  /* A file of a known name comes before others, the folder that is set before the cache. */
  test_write(NULL, place, "vgg16-397923af.pth", "x", 1);
  assert_int_equal(weights_find("vgg16", NULL, found, sizeof found, &error), LEUKO_OK);
  assert_non_null(strstr(found, "/vgg16-397923af.pth"));
  test_write(NULL, folder, "a-vgg16.safetensors", "x", 1);
  setenv("LEUKO_WEIGHTS", folder, 1);
  assert_int_equal(weights_find("vgg16", NULL, found, sizeof found, &error), LEUKO_OK);
  assert_non_null(strstr(found, "/a-vgg16.safetensors"));
  assert_int_equal(weights_find("vgg16", place, found, sizeof found, &error), LEUKO_OK);
  assert_non_null(strstr(found, "/vgg16-397923af.pth"));
  assert_int_equal(weights_find("resnet50", NULL, found, sizeof found, &error), LEUKO_NOT_FOUND);
  unsetenv("LEUKO_WEIGHTS");
}

static void an_imported_file_is_found(void **state) {
  const char *folder = *state;
  char path[PATH], kept[PATH], found[PATH];
  snprintf(path, sizeof path, "%.900s/some", folder);
  size_t count;
  line *lines = read_lines("torchvision-vgg16", &count);
  write_marked(path, lines, count, NULL);
  weights_source source;
  leuko_error error = {0};
  setenv("XDG_CACHE_HOME", folder, 1);
  if (weights_import(path, NULL, &source, kept, sizeof kept, &error) != LEUKO_OK)
    fail_msg("%s", error.message);
  assert_non_null(strstr(kept, "/leuko/weights/torchvision-vgg16-"));
  assert_int_equal(weights_find("vgg16", NULL, found, sizeof found, &error), LEUKO_OK);
  assert_string_equal(found, kept);
  /* What is not whole is not taken. */
  const change with = {.name = "features.28.bias", .value = NAN};
  write_marked(path, lines, count, &with);
  char other[PATH];
  snprintf(other, sizeof other, "%.900s/other", folder);
  assert_int_equal(weights_import(path, other, &source, kept, sizeof kept, &error), LEUKO_BAD_DATA);
  assert_false(file_exists(other));
  free(lines);
}

static void the_list_is_complete(void **state) {
  (void)state;
  size_t count;
  const weights_entry *list = weights_list(&count);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(strncmp(list[i].url, "https://", 8), 0);
    assert_true(list[i].sha256 ? strlen(list[i].sha256) == 64 : strlen(list[i].md5) == 32);
    assert_ptr_equal(weights_entry_find(list[i].name), &list[i]);
    for (size_t k = 0; k < i; k++) assert_string_not_equal(list[i].file, list[k].file);
  }
  assert_string_equal(weights_entry_find("vgg16")->name, "keras-vgg16");
  assert_string_equal(weights_entry_find("resnet50")->name, "keras-resnet50");
  assert_null(weights_entry_find("cnn"));
}

/* ---- real files ---- */

static void real_weights_are_read(void **state) {
  (void)state;
  const char *shared = getenv("LEUKO_SHARED");
  char folder[PATH], path[PATH];
  if (!shared || !shared[0]) {
    print_message("no real weights: LEUKO_SHARED is not set\n");
    skip();
  }
  static const struct {
    const char *network, *name, *sha256, *param;
    float first;
  } real[] = {
      {"resnet50", "keras-resnet50-older",
       "25d2bc568a472a5c4fb49b80719bd2d9a8e74a5b8ae7b8dc231023921ebb4c81",
       "conv5_block3_3_bn/variance", 0.00993960258f},
      {"vgg16", "torchvision-vgg16",
       "c679942ce8e9e361cf94b069a61054adc038183d1db88fad5708a6d34a3846c4", "block5_conv3/bias",
       0.122990064f},
  };
  snprintf(folder, sizeof folder, "%.900s/weights", shared);
  for (int i = 0; i < 2; i++) {
    weights_source source;
    zoo_options options;
    leuko_error error = {0};
    assert_int_equal(weights_find(real[i].network, folder, path, sizeof path, &error), LEUKO_OK);
    assert_int_equal(zoo_defaults(real[i].network, &options, NULL), LEUKO_OK);
    if (weights_identify(path, real[i].network, &options, &source, &error) != LEUKO_OK)
      fail_msg("%s", error.message);
    assert_string_equal(source.name, real[i].name);
    assert_string_equal(source.sha256, real[i].sha256);
    net_graph *graph = built_base(real[i].network, &options);
    float *params = calloc(graph->param_floats, sizeof *params);
    assert_non_null(params);
    if (weights_load(path, graph, params, NULL, &error) != LEUKO_OK) fail_msg("%s", error.message);
    const net_param *param = &graph->params[net_find_param(graph, real[i].param)];
    assert_float_equal(params[param->offset], real[i].first, 1e-8);
    free(params);
    net_graph_free(graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hdf5_is_read_as_keras_writes_it),
      cmocka_unit_test(hdf5_says_why_a_tensor_is_of_no_use),
      cmocka_unit_test(broken_hdf5_is_refused),
      cmocka_unit_test(pickled_state_dicts_are_read),
      cmocka_unit_test(a_pickle_may_ask_for_tensors_only),
      cmocka_unit_test(safetensors_are_read),
      cmocka_unit_test(no_file_does_harm),
      TEST_IN_FOLDER(every_layout_fills_the_base),
      TEST_IN_FOLDER(kernels_of_torch_are_turned),
      TEST_IN_FOLDER(tampered_weights_are_refused),
      TEST_IN_FOLDER(another_network_is_refused),
      TEST_IN_FOLDER(weights_are_found_in_order),
      TEST_IN_FOLDER(an_imported_file_is_found),
      cmocka_unit_test(the_list_is_complete),
      cmocka_unit_test(real_weights_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
