// The sun and four planets under gravity, integrated by the leapfrog method.
//
//   nbody [STEPS]            default 10000
#include <math.h>

#include "examples/bench.h"
#include "examples/support.h"

enum { body_count = 5 };

// Astronomical units, days and solar masses times four pi squared.
struct body {
  double x, y, z, vx, vy, vz, mass;
};

static const double pi = 3.141592653589793;
static const double days_per_year = 365.24;
static const double step = 0.01;

// Positions and velocities of 2000-01-01 (JPL's approximate elements).
static struct body bodies[body_count] = {
    {0, 0, 0, 0, 0, 0, 1},
    {4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01,
     1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05,
     9.54791938424326609e-04},
    {8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01,
     -2.76742510726411868e-03, 4.99852801234917238e-03, 2.30417297573763929e-05,
     2.85885980666130812e-04},
    {1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01,
     2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05,
     4.36624404335156298e-05},
    {1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01,
     2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05,
     5.15138902046611451e-05},
};

static void prepare(void) {
  const double solar_mass = 4 * pi * pi;
  double px = 0, py = 0, pz = 0;
  for (int i = 0; i < body_count; ++i) {
    struct body* body = &bodies[i];
    body->vx *= days_per_year;
    body->vy *= days_per_year;
    body->vz *= days_per_year;
    body->mass *= solar_mass;
    px += body->vx * body->mass;
    py += body->vy * body->mass;
    pz += body->vz * body->mass;
  }
  // The whole system stands still.
  bodies[0].vx = -px / solar_mass;
  bodies[0].vy = -py / solar_mass;
  bodies[0].vz = -pz / solar_mass;
}

static double energy(void) {
  double sum = 0;
  for (int i = 0; i < body_count; ++i) {
    const struct body* a = &bodies[i];
    sum += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
    for (int j = i + 1; j < body_count; ++j) {
      const struct body* b = &bodies[j];
      const double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      sum -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
    }
  }
  return sum;
}

static void advance(void) {
  for (int i = 0; i < body_count; ++i) {
    struct body* a = &bodies[i];
    for (int j = i + 1; j < body_count; ++j) {
      struct body* b = &bodies[j];
      const double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      const double square = dx * dx + dy * dy + dz * dz;
      const double pull = step / (square * sqrt(square));
      a->vx -= dx * b->mass * pull;
      a->vy -= dy * b->mass * pull;
      a->vz -= dz * b->mass * pull;
      b->vx += dx * a->mass * pull;
      b->vy += dy * a->mass * pull;
      b->vz += dz * a->mass * pull;
    }
  }
  for (int i = 0; i < body_count; ++i) {
    bodies[i].x += step * bodies[i].vx;
    bodies[i].y += step * bodies[i].vy;
    bodies[i].z += step * bodies[i].vz;
  }
}

int main(int argc, char** argv) {
  const uint64_t steps = argc > 1 ? parse_size(argv[1], 10000000000u) : 10000;
  prepare();
  printf("%.12f\n", energy());
  bench_start();
  for (uint64_t i = 0; i < steps; ++i) advance();
  bench_end();
  printf("%.12f\n", energy());
  for (int i = 0; i < body_count; ++i) {
    printf("%a %a %a\n", bodies[i].x, bodies[i].y, bodies[i].z);
  }
  return 0;
}
