#include "runtime/host_functions.h"

#include <cstdint>
#include <new>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/store.h"

namespace gantry::runtime {
namespace {

// What happened to data, in order: its number when it was made, minus that when it was destroyed.
std::vector<int> events;

struct Source {
  int number;
};

template <size_t kAlignment>
struct Data {
  Data(const Source& source, void* to) : number(source.number), owner(to) {
    if (number == 0) throw std::bad_alloc();
    events.push_back(number);
  }
  ~Data() { events.push_back(-number); }

  alignas(kAlignment) int number;
  void* owner;
};

HostOutcome Nothing(VMHostFuncContext*, VMContext*, ValRaw*) { return {0, 0}; }
HostOutcome Checked(VMHostFuncContext*, VMContext*, ValRaw*) { return {0, 0}; }

class HostFunctionsTest : public ::testing::Test {
 protected:
  HostFunctionsTest() {
    events.clear();
    absl::StatusOr<RegisteredTypes> registered = engine_->types().RegisterFunc(wasm::FuncType());
    EXPECT_TRUE(registered.ok());
    auto type = std::make_shared<HostFunctionType>();
    type->registered = *std::move(registered);
    type_ = std::move(type);
  }

  template <size_t kAlignment>
  HostFunctionSet::Function Function(int number) {
    return {type_, HostCode::For<Data<kAlignment>>(&Nothing, Source{number})};
  }

  std::shared_ptr<Engine> engine_ = Engine::Create({});
  std::unique_ptr<Store> store_ = Store::Create(engine_, {});
  std::shared_ptr<const HostFunctionType> type_;
  VMStoreContext context_;
  int owner_ = 0;
};

VMHostFuncContext& ContextOf(VMFuncRef* func) {
  return *static_cast<VMHostFuncContext*>(static_cast<void*>(func->vmctx));
}

TEST_F(HostFunctionsTest, EachHasItsDataAlignedAndDestroyedInReverse) {
  const auto set = std::make_shared<const HostFunctionSet>(std::vector<HostFunctionSet::Function>{
      Function<4>(1), Function<64>(2), Function<256>(3), Function<8>(4)});
  {
    std::vector<VMFuncRef*> functions(4);
    HostFunctionBlock made(*store_, &context_, set, &owner_, nullptr, absl::MakeSpan(functions));
    const HostFunctionBlock block(std::move(made));
    EXPECT_EQ(block.num_made(), 4u);
    const uintptr_t alignments[] = {4, 64, 256, 8};
    for (int i = 0; i < 4; ++i) {
      VMHostFuncContext& context = ContextOf(functions[i]);
      EXPECT_EQ(&context.func_ref, functions[i]);
      EXPECT_EQ(context.store, &context_);
      EXPECT_EQ(context.host_call, &Nothing);
      EXPECT_EQ(functions[i]->type_id, type_->id());
      EXPECT_EQ(reinterpret_cast<uintptr_t>(context.data) % alignments[i], 0u);
    }
    EXPECT_EQ(static_cast<Data<64>*>(ContextOf(functions[1]).data)->number, 2);
    EXPECT_EQ(static_cast<Data<64>*>(ContextOf(functions[1]).data)->owner, &owner_);
    EXPECT_EQ(events, (std::vector<int>{1, 2, 3, 4}));
  }
  EXPECT_EQ(events, (std::vector<int>{1, 2, 3, 4, -4, -3, -2, -1}));
}

TEST_F(HostFunctionsTest, ThoseThatAreThereAreLeft) {
  const auto set = std::make_shared<const HostFunctionSet>(
      std::vector<HostFunctionSet::Function>{Function<4>(1), Function<4>(2), Function<4>(3)});
  VMFuncRef other;
  {
    std::vector<VMFuncRef*> functions = {nullptr, &other, nullptr};
    const HostFunctionBlock block(*store_, &context_, set, &owner_, &Checked,
                                  absl::MakeSpan(functions));
    EXPECT_EQ(block.num_made(), 2u);
    EXPECT_EQ(functions[1], &other);
    EXPECT_EQ(ContextOf(functions[2]).host_call, &Checked);
    EXPECT_EQ(reinterpret_cast<HostFunction*>(functions[2]->vmctx)->call, &Nothing);
  }
  EXPECT_EQ(events, (std::vector<int>{1, 3, -3, -1}));
}

TEST_F(HostFunctionsTest, DataThatCannotBeMadeLeavesNothing) {
  const auto set = std::make_shared<const HostFunctionSet>(std::vector<HostFunctionSet::Function>{
      Function<4>(1), Function<4>(2), Function<4>(0), Function<4>(3)});
  std::vector<VMFuncRef*> functions(4);
  EXPECT_THROW(store_->AddHostFunctions(set, &owner_, absl::MakeSpan(functions)), std::bad_alloc);
  EXPECT_EQ(events, (std::vector<int>{1, 2, -2, -1}));
  EXPECT_EQ(store_->num_host_functions(), 0u);
}

TEST_F(HostFunctionsTest, StoresHaveTheirOwn) {
  const auto set = std::make_shared<const HostFunctionSet>(
      std::vector<HostFunctionSet::Function>{Function<4>(1), Function<4>(2)});
  std::unique_ptr<Store> other = Store::Create(engine_, {});
  std::vector<VMFuncRef*> of_one(2), of_other(2);
  store_->AddHostFunctions(set, &owner_, absl::MakeSpan(of_one));
  other->AddHostFunctions(set, &owner_, absl::MakeSpan(of_other));
  EXPECT_NE(of_one[0], of_other[0]);
  EXPECT_EQ(StoreContextOf(*of_one[1])->store, store_.get());
  EXPECT_EQ(StoreContextOf(*of_other[1])->store, other.get());
  other.reset();
  EXPECT_EQ(events, (std::vector<int>{1, 2, 1, 2, -2, -1}));
  EXPECT_EQ(store_->num_host_functions(), 2u);
}

}  // namespace
}  // namespace gantry::runtime
