// Layout: the order of blocks in a function and of instructions in a block, as lists linked
// by index. The first block is the entry.
//
//   for (Block block : func.layout.blocks()) {
//     for (Inst inst : func.layout.insts(block)) ...
//   }
//
// A loop may remove the instruction or block it stands at only if it took the next before.
#ifndef GANTRY_CODEGEN_IR_LAYOUT_H_
#define GANTRY_CODEGEN_IR_LAYOUT_H_

#include <cstddef>
#include <iterator>

#include "base/check.h"
#include "codegen/ir/entities.h"
#include "entity/secondary_map.h"

namespace gantry::codegen {

class Layout {
 public:
  // Walks a list by next(); `Next` is a member function of Layout.
  template <typename Id, Id (Layout::*Next)(Id) const>
  class Range {
   public:
    class iterator {
     public:
      using iterator_category = std::input_iterator_tag;
      using value_type = Id;
      using difference_type = ptrdiff_t;
      using pointer = const Id*;
      using reference = Id;

      iterator(const Layout* layout, Id id) : layout_(layout), id_(id) {}
      Id operator*() const { return id_; }
      iterator& operator++() {
        id_ = (layout_->*Next)(id_);
        return *this;
      }
      friend bool operator==(const iterator& a, const iterator& b) { return a.id_ == b.id_; }

     private:
      const Layout* layout_;
      Id id_;
    };

    Range(const Layout* layout, Id first) : layout_(layout), first_(first) {}
    iterator begin() const { return iterator(layout_, first_); }
    iterator end() const { return iterator(layout_, Id::None()); }

   private:
    const Layout* layout_;
    Id first_;
  };

  // ---- Blocks. None where there is no such block.
  Block entry() const { return first_block_; }
  Block last_block() const { return last_block_; }
  Block next(Block block) const { return blocks_.Get(block).next; }
  Block prev(Block block) const { return blocks_.Get(block).prev; }
  bool contains(Block block) const { return blocks_.Get(block).inserted; }
  size_t num_blocks() const { return num_blocks_; }
  Range<Block, &Layout::next> blocks() const { return {this, first_block_}; }

  void Append(Block block) { InsertBefore(block, Block::None()); }
  // Before `before`, at the end if that is none.
  void InsertBefore(Block block, Block before) {
    CHECK(!contains(block)) << block << " stands in the layout already";
    const Block after = before.is_some() ? blocks_[before].prev : last_block_;
    blocks_[block] = {after, before, Inst::None(), Inst::None(), true};
    (after.is_some() ? blocks_[after].next : first_block_) = block;
    (before.is_some() ? blocks_[before].prev : last_block_) = block;
    ++num_blocks_;
  }
  void InsertAfter(Block block, Block after) { InsertBefore(block, next(after)); }
  // Takes the block out, its instructions with it.
  void Remove(Block block) {
    CHECK(contains(block)) << block;
    for (Inst inst = blocks_[block].first; inst.is_some();) {
      const Inst following = insts_[inst].next;
      insts_[inst] = InstNode();
      --num_insts_;
      inst = following;
    }
    const BlockNode node = blocks_[block];
    (node.prev.is_some() ? blocks_[node.prev].next : first_block_) = node.next;
    (node.next.is_some() ? blocks_[node.next].prev : last_block_) = node.prev;
    blocks_[block] = BlockNode();
    --num_blocks_;
  }

  // ---- Instructions. None where there is no such instruction.
  Inst first_inst(Block block) const { return blocks_.Get(block).first; }
  // The terminator, in a finished block.
  Inst last_inst(Block block) const { return blocks_.Get(block).last; }
  Inst next_inst(Inst inst) const { return insts_.Get(inst).next; }
  Inst prev_inst(Inst inst) const { return insts_.Get(inst).prev; }
  // The block that holds `inst`, none if it is not in the layout.
  Block block_of(Inst inst) const { return insts_.Get(inst).block; }
  Range<Inst, &Layout::next_inst> insts(Block block) const { return {this, first_inst(block)}; }
  // Of all blocks together.
  size_t num_insts() const { return num_insts_; }

  void Append(Inst inst, Block block) {
    BlockNode& node = blocks_[block];
    DCHECK(node.inserted);
    DCHECK(block_of(inst).is_none());
    insts_[inst] = {block, node.last, Inst::None()};
    (node.last.is_some() ? insts_[node.last].next : node.first) = inst;
    node.last = inst;
    ++num_insts_;
  }
  void InsertBefore(Inst inst, Inst before) {
    CHECK(block_of(inst).is_none()) << inst << " stands in the layout already";
    const Block block = block_of(before);
    CHECK(block.is_some()) << before << " is not in the layout";
    const Inst after = insts_[before].prev;
    insts_[inst] = {block, after, before};
    (after.is_some() ? insts_[after].next : blocks_[block].first) = inst;
    insts_[before].prev = inst;
    ++num_insts_;
  }
  void InsertAfter(Inst inst, Inst after) {
    const Inst before = next_inst(after);
    if (before.is_some()) {
      InsertBefore(inst, before);
    } else {
      Append(inst, block_of(after));
    }
  }
  void Remove(Inst inst) {
    const InstNode node = insts_.Get(inst);
    CHECK(node.block.is_some()) << inst << " is not in the layout";
    (node.prev.is_some() ? insts_[node.prev].next : blocks_[node.block].first) = node.next;
    (node.next.is_some() ? insts_[node.next].prev : blocks_[node.block].last) = node.prev;
    insts_[inst] = InstNode();
    --num_insts_;
  }
  // Moves `first` and all behind it in its block to the end of the empty block `target`.
  // Linear in what is moved.
  void MoveTail(Inst first, Block target) {
    const Block source = block_of(first);
    CHECK(source.is_some() && contains(target) && first_inst(target).is_none());
    const Inst last = blocks_[source].last;
    const Inst kept = insts_[first].prev;
    blocks_[source].last = kept;
    (kept.is_some() ? insts_[kept].next : blocks_[source].first) = Inst::None();
    insts_[first].prev = Inst::None();
    blocks_[target].first = first;
    blocks_[target].last = last;
    for (Inst inst = first; inst.is_some(); inst = insts_[inst].next) insts_[inst].block = target;
  }

  // Forgets everything and keeps the memory.
  void Clear() {
    blocks_.clear();
    insts_.clear();
    first_block_ = last_block_ = Block::None();
    num_blocks_ = 0;
    num_insts_ = 0;
  }

 private:
  struct BlockNode {
    Block prev, next;
    Inst first, last;
    bool inserted = false;
  };
  struct InstNode {
    Block block;
    Inst prev, next;
  };

  entity::SecondaryMap<Block, BlockNode> blocks_;
  entity::SecondaryMap<Inst, InstNode> insts_;
  Block first_block_, last_block_;
  size_t num_blocks_ = 0;
  size_t num_insts_ = 0;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_LAYOUT_H_
