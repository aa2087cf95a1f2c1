// The collections against what one would take instead: absl::flat_hash_map keyed by the number,
// and a vector of vectors. Time is per element.
#include <random>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "benchmark/benchmark.h"
#include "entity/entity_list.h"
#include "entity/entity_set.h"
#include "entity/secondary_map.h"
#include "entity/sparse_map.h"

namespace gantry::entity {
namespace {

GANTRY_ENTITY_ID(Node, "node");

std::vector<uint32_t> ShuffledIds(size_t count) {
  std::vector<uint32_t> ids(count);
  for (size_t k = 0; k < count; ++k) ids[k] = static_cast<uint32_t>(k);
  std::shuffle(ids.begin(), ids.end(), std::mt19937_64(1));
  return ids;
}

void SetItems(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Facts about all of n ids: written, then read, in random order.
void BM_SecondaryMapDense(benchmark::State& state) {
  const std::vector<uint32_t> ids = ShuffledIds(static_cast<size_t>(state.range(0)));
  SecondaryMap<Node, uint64_t> map;
  for (auto _ : state) {
    map.clear();
    uint64_t sum = 0;
    for (uint32_t id : ids) map[Node(id)] = id;
    for (uint32_t id : ids) sum += map.Get(Node(id));
    benchmark::DoNotOptimize(sum);
  }
  SetItems(state);
}
void BM_HashMapDense(benchmark::State& state) {
  const std::vector<uint32_t> ids = ShuffledIds(static_cast<size_t>(state.range(0)));
  absl::flat_hash_map<uint32_t, uint64_t> map;
  for (auto _ : state) {
    map.clear();
    uint64_t sum = 0;
    for (uint32_t id : ids) map[id] = id;
    for (uint32_t id : ids) sum += map.find(id)->second;
    benchmark::DoNotOptimize(sum);
  }
  SetItems(state);
}

// n members out of a space of 64 n ids; insert, find, iterate, clear.
void BM_SparseMap(benchmark::State& state) {
  const std::vector<uint32_t> ids = ShuffledIds(static_cast<size_t>(state.range(0)));
  SparseMap<Node, uint64_t> map;
  for (auto _ : state) {
    uint64_t sum = 0;
    for (uint32_t id : ids) map.insert(Node(id * 64), id);
    for (uint32_t id : ids) sum += *map.find(Node(id * 64));
    for (const auto& entry : map) sum += entry.value;
    map.clear();
    benchmark::DoNotOptimize(sum);
  }
  SetItems(state);
}
void BM_HashMapSparse(benchmark::State& state) {
  const std::vector<uint32_t> ids = ShuffledIds(static_cast<size_t>(state.range(0)));
  absl::flat_hash_map<uint32_t, uint64_t> map;
  for (auto _ : state) {
    uint64_t sum = 0;
    for (uint32_t id : ids) map[id * 64] = id;
    for (uint32_t id : ids) sum += map.find(id * 64)->second;
    for (const auto& entry : map) sum += entry.second;
    map.clear();
    benchmark::DoNotOptimize(sum);
  }
  SetItems(state);
}

void BM_EntitySet(benchmark::State& state) {
  const std::vector<uint32_t> ids = ShuffledIds(static_cast<size_t>(state.range(0)));
  EntitySet<Node> set;
  for (auto _ : state) {
    set.clear();
    uint64_t sum = 0;
    for (uint32_t id : ids) set.insert(Node(id));
    for (uint32_t id : ids) sum += set.contains(Node(id)) ? 1 : 0;
    benchmark::DoNotOptimize(sum);
  }
  SetItems(state);
}
void BM_HashSet(benchmark::State& state) {
  const std::vector<uint32_t> ids = ShuffledIds(static_cast<size_t>(state.range(0)));
  absl::flat_hash_set<uint32_t> set;
  for (auto _ : state) {
    set.clear();
    uint64_t sum = 0;
    for (uint32_t id : ids) set.insert(id);
    for (uint32_t id : ids) sum += set.contains(id) ? 1 : 0;
    benchmark::DoNotOptimize(sum);
  }
  SetItems(state);
}

// n lists of three elements, built by pushing, then read.
void BM_EntityLists(benchmark::State& state) {
  const size_t count = static_cast<size_t>(state.range(0));
  ListPool<Node> pool;
  std::vector<EntityList<Node>> lists;
  for (auto _ : state) {
    pool.clear();
    lists.assign(count, EntityList<Node>());
    for (uint32_t k = 0; k < 3; ++k) {
      for (EntityList<Node>& list : lists) list.Push(Node(k), pool);
    }
    uint64_t sum = 0;
    for (const EntityList<Node>& list : lists) {
      for (Node node : list.AsSpan(pool)) sum += node.raw();
    }
    benchmark::DoNotOptimize(sum);
  }
  SetItems(state);
}
void BM_VectorOfVectors(benchmark::State& state) {
  const size_t count = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    std::vector<std::vector<uint32_t>> lists(count);
    for (uint32_t k = 0; k < 3; ++k) {
      for (std::vector<uint32_t>& list : lists) list.push_back(k);
    }
    uint64_t sum = 0;
    for (const std::vector<uint32_t>& list : lists) {
      for (uint32_t node : list) sum += node;
    }
    benchmark::DoNotOptimize(sum);
  }
  SetItems(state);
}

BENCHMARK(BM_SecondaryMapDense)->Arg(100)->Arg(10000);
BENCHMARK(BM_HashMapDense)->Arg(100)->Arg(10000);
BENCHMARK(BM_SparseMap)->Arg(100)->Arg(10000);
BENCHMARK(BM_HashMapSparse)->Arg(100)->Arg(10000);
BENCHMARK(BM_EntitySet)->Arg(100)->Arg(10000);
BENCHMARK(BM_HashSet)->Arg(100)->Arg(10000);
BENCHMARK(BM_EntityLists)->Arg(100)->Arg(10000);
BENCHMARK(BM_VectorOfVectors)->Arg(100)->Arg(10000);

}  // namespace
}  // namespace gantry::entity
