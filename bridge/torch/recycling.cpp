#include "recycling.h"

#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <malloc.h>
#include <mutex>

namespace evr_torch
{

namespace
{

constexpr size_t LEAST = size_t{64} << 10, MOST = size_t{32} << 20, KEPT = size_t{64} << 20;

struct Block {
    void *data;
    size_t size;
};

// The last blocks of one kind, the newest at the end. Nothing in it needs a destructor: tensors may outlive what a thread destroys at its end.
struct Blocks {
    std::array<Block, 32> items;
    size_t count;

    bool take(size_t at, Block *out)
    {
        *out = items[at];
        std::copy(items.begin() + at + 1, items.begin() + count, items.begin() + at);
        count--;
        return true;
    }
    bool take_data(const void *data, Block *out)
    {
        for (size_t i = count; i-- > 0;)
            if (items[i].data == data)
                return take(i, out);
        return false;
    }
    bool take_size(size_t size, Block *out)
    {
        for (size_t i = count; i-- > 0;)
            if (items[i].size == size)
                return take(i, out);
        return false;
    }
};

struct Thread {
    Blocks lent, kept;
    size_t kept_bytes;
    bool active, ended;
};
thread_local Thread here;

c10::DeleterFnPtr usual_deleter;

void give_up_oldest()
{
    Block oldest;
    here.kept.take(0, &oldest);
    here.kept_bytes -= oldest.size;
    usual_deleter(oldest.data);
}

void keep(const Block &block)
{
    while (here.kept.count == here.kept.items.size() || (here.kept.count && here.kept_bytes + block.size > KEPT))
        give_up_oldest();
    here.kept.items[here.kept.count++] = block;
    here.kept_bytes += block.size;
}

// Memory that another thread lent, or so long ago that it is forgotten, goes back to torch. What is remembered of an address may be of memory that was there before: that has to have the size.
void give_back(void *data)
{
    Block block;
    if (data && here.lent.take_data(data, &block) && here.active && !here.ended && malloc_usable_size(data) >= block.size)
        keep(block);
    else
        usual_deleter(data);
}

void lend(void *data, size_t size)
{
    Block forgotten;
    here.lent.take_data(data, &forgotten); // another thread gave it back, and torch gave it again
    if (here.lent.count == here.lent.items.size())
        here.lent.take(0, &forgotten);
    here.lent.items[here.lent.count++] = {data, size};
}

// What a thread keeps, it gives back at its end.
struct AtEnd {
    ~AtEnd()
    {
        forget_recycled();
        here.ended = true;
    }
};

class Recycler final : public c10::Allocator
{
  public:
    explicit Recycler(c10::Allocator *usual) : usual_(usual) {}

    c10::DataPtr allocate(size_t size) override
    {
        if (!here.active || size < LEAST || size > MOST)
            return usual_->allocate(size);
        Block block;
        if (here.kept.take_size(size, &block)) {
            here.kept_bytes -= size;
        } else {
            block = {usual_->raw_allocate(size), size};
        }
        lend(block.data, size);
        return {block.data, block.data, &give_back, c10::Device(c10::kCPU)};
    }
    c10::DeleterFnPtr raw_deleter() const override { return usual_deleter; }
    void copy_data(void *to, const void *from, size_t count) const override { std::memcpy(to, from, count); }

  private:
    c10::Allocator *usual_;
};

} // namespace

Recycling::Recycling() : before_(here.active)
{
    static thread_local AtEnd at_end;
    (void)at_end;
    here.active = usual_deleter != nullptr;
}

Recycling::~Recycling() { here.active = before_; }

void install_recycling()
{
    static std::once_flag once;
    std::call_once(once, [] {
        c10::Allocator *usual = c10::GetCPUAllocator();
        if (usual != c10::GetDefaultCPUAllocator()) // somebody else's, which may give more than memory of malloc's
            return;
        usual_deleter = usual->raw_deleter();
        c10::SetCPUAllocator(new Recycler(usual)); // for ever: what it gave may outlive all else
    });
}

void forget_recycled()
{
    while (here.kept.count)
        give_up_oldest();
}

} // namespace evr_torch
