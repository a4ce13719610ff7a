#include "weights/catalogue.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

/* Keras's first, since the paper used Keras. The older ResNet-50 bears the newer one's name where
 * it is published, so it gets one of its own here. */
#define KERAS "https://storage.googleapis.com/tensorflow/keras-applications"
#define OLDER "https://github.com/fchollet/deep-learning-models/releases/download/v0.2"
#define TORCH "https://download.pytorch.org/models"
#define HUB "https://huggingface.co/timm"

static const weights_entry entries[] = {
    {"keras-vgg16", "vgg16", "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
     KERAS "/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", 58889256, NULL,
     "6d6bbae143d832006294945121d1f1fc"},
    {"keras-resnet50", "resnet50", "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
     KERAS "/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", 94765736,
     "66c8b43daff3fcc15bc4f30e3d2a167e21a14d9c9598a5394e5516471f4af504",
     "4d473c1dd8becc155b73f8504c6f6626"},
    {"keras-resnet50-older", "resnet50",
     "resnet50_weights_tf_dim_ordering_tf_kernels_notop.v0.2.h5",
     OLDER "/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", 94653016, NULL,
     "a268eb855778b3df3c7506639542a6af"},
    {"torchvision-vgg16", "vgg16", "vgg16-397923af.pth", TORCH "/vgg16-397923af.pth", 553433881,
     "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", NULL},
    {"torchvision-resnet50", "resnet50", "resnet50-0676ba61.pth", TORCH "/resnet50-0676ba61.pth",
     102530333, "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a", NULL},
    {"timm-vgg16", "vgg16", "vgg16.tv_in1k.safetensors",
     HUB "/vgg16.tv_in1k/resolve/main/model.safetensors", 0,
     "57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8", NULL},
    {"timm-resnet50", "resnet50", "resnet50.tv_in1k.safetensors",
     HUB "/resnet50.tv_in1k/resolve/main/model.safetensors", 102469840,
     "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888", NULL},
};
#define COUNT (sizeof entries / sizeof *entries)

const weights_entry *weights_list(size_t *count) {
  *count = COUNT;
  return entries;
}

const weights_entry *weights_entry_find(const char *name) {
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(entries[i].name, name) == 0) return &entries[i];
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(entries[i].network, name) == 0) return &entries[i];
  return NULL;
}

const weights_entry *catalogue_recognise(const void *data, size_t size, const char *sha256) {
  for (size_t i = 0; i < COUNT; i++) {
    const weights_entry *entry = &entries[i];
    if (entry->bytes && entry->bytes != size) continue;
    if (entry->sha256) {
      if (strcmp(entry->sha256, sha256) == 0) return entry;
      continue;
    }
    char md5[HASH_MD5_HEX];
    if (hash_md5(data, size, md5, NULL) == LEUKO_OK && strcmp(entry->md5, md5) == 0) return entry;
  }
  return NULL;
}

leuko_status catalogue_folder(char *out, size_t size, leuko_error *error) {
  char cache[1024];
  leuko_status status = file_cache_folder(cache, sizeof cache, error);
  if (status == LEUKO_OK) status = file_join(out, size, cache, "weights", error);
  return status == LEUKO_OK ? file_make_folders(out, error) : status;
}

static bool ends_like_weights(const char *name) {
  static const char *const ends[] = {".h5", ".hdf5", ".safetensors", ".pth", ".pt"};
  size_t length = strlen(name);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (length > strlen(ends[i]) && strcmp(name + length - strlen(ends[i]), ends[i]) == 0)
      return true;
  return false;
}

/* A weight file of the network in a folder; false if there is none. */
static bool find_in(const char *network, const char *folder, char *out, size_t size) {
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(entries[i].network, network) == 0 &&
        file_join(out, size, folder, entries[i].file, NULL) == LEUKO_OK && file_exists(out))
      return true;
  DIR *stream = opendir(folder);
  char best[256] = "";
  for (struct dirent *entry; stream && (entry = readdir(stream));)
    if (strstr(entry->d_name, network) && ends_like_weights(entry->d_name) &&
        (!best[0] || strcmp(entry->d_name, best) < 0))
      snprintf(best, sizeof best, "%s", entry->d_name);
  if (stream) closedir(stream);
  return best[0] && file_join(out, size, folder, best, NULL) == LEUKO_OK;
}

/* A file, or a folder that holds one. */
static bool find_at(const char *network, const char *place, char *out, size_t size) {
  if (file_is_folder(place)) return find_in(network, place, out, size);
  return file_exists(place) && (size_t)snprintf(out, size, "%s", place) < size;
}

leuko_status weights_find(const char *network, const char *place, char *path_out, size_t size,
                          leuko_error *error) {
  char remedy[200], cache[1024];
  const char *set = getenv("LEUKO_WEIGHTS");
  snprintf(remedy, sizeof remedy, "leuko weights pull %s, or name a file or folder: --weights FILE",
           network);
  if (place) {
    if (find_at(network, place, path_out, size)) return LEUKO_OK;
    bool folder = file_is_folder(place);
    return error_set(error, LEUKO_NOT_FOUND, place, remedy, "%s",
                     folder ? "no weights of this network in the folder" : "no such weight file");
  }
  if (set && set[0] && find_at(network, set, path_out, size)) return LEUKO_OK;
  leuko_status status = catalogue_folder(cache, sizeof cache, error);
  if (status != LEUKO_OK) return status;
  if (find_in(network, cache, path_out, size)) return LEUKO_OK;
  return error_set(error, LEUKO_NOT_FOUND, cache, remedy, "there are no ImageNet weights for %s",
                   network);
}
