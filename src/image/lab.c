#include "image/lab.h"

#include <math.h>

static const double from_rgb[3][3] = {
    {0.412453, 0.357580, 0.180423}, {0.212671, 0.715160, 0.072169}, {0.019334, 0.119193, 0.950227}};
/* Its inverse. */
static const double to_rgb[3][3] = {
    {3.240481343200526, -1.5371515162713185, -0.4985363261688878},
    {-0.9692549499965682, 1.8759900014898907, 0.04155592655829284},
    {0.05564663913517716, -0.20404133836651123, 1.0573110696453443}};
static const double white[3] = {0.95047, 1, 1.08883};

void lab_linear(double linear[256]) {
  for (int v = 0; v < 256; v++) {
    const double s = v / 255.0;
    linear[v] = s > 0.04045 ? pow((s + 0.055) / 1.055, 2.4) : s / 12.92;
  }
}

void lab_from_rgb(const double linear[256], const uint8_t rgb[3], double lab[3]) {
  double f[3];
  for (int i = 0; i < 3; i++) {
    const double *m = from_rgb[i];
    const double t =
        (m[0] * linear[rgb[0]] + m[1] * linear[rgb[1]] + m[2] * linear[rgb[2]]) / white[i];
    f[i] = t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116;
  }
  lab[0] = 116 * f[1] - 16;
  lab[1] = 500 * (f[0] - f[1]);
  lab[2] = 200 * (f[1] - f[2]);
}

void lab_to_rgb(const double lab[3], uint8_t rgb[3]) {
  const double y = (lab[0] + 16) / 116;
  const double f[3] = {lab[1] / 500 + y, y, fmax(y - lab[2] / 200, 0)};
  double xyz[3];
  for (int i = 0; i < 3; i++)
    xyz[i] = white[i] * (f[i] > 0.2068966 ? f[i] * f[i] * f[i] : (f[i] - 16.0 / 116) / 7.787);
  for (int i = 0; i < 3; i++) {
    const double v = to_rgb[i][0] * xyz[0] + to_rgb[i][1] * xyz[1] + to_rgb[i][2] * xyz[2];
    const double s = v > 0.0031308 ? 1.055 * pow(v, 1 / 2.4) - 0.055 : 12.92 * v;
    rgb[i] = (uint8_t)lrint(255 * fmin(fmax(s, 0), 1));
  }
}
