// Where results lie.
#ifndef EVR_BRIDGE_TORCH_RECYCLING_H
#define EVR_BRIDGE_TORCH_RECYCLING_H

namespace evr_torch
{

// While it lives, memory of the CPU that this thread's operators give back is kept, and given to the next one that asks for as many bytes.
//
// glibc asks for more than it needs where memory is to be aligned, and gives the ends back at once: a result's memory never fits the next result of the same size, and an operator that
// is run again and again writes to two places in turn, to three, or to one, by what else there is on the heap. One that is bound by caches is a quarter slower or faster by that, for the
// whole of a process. As on a GPU, whose memory PyTorch keeps in the same way, it is always one place here. Small results, of which malloc's time is a part of the operator's, and large
// ones, which the system gives anew each time, come from where they always do.
class Recycling
{
  public:
    Recycling();
    ~Recycling();
    Recycling(const Recycling &) = delete;
    Recycling &operator=(const Recycling &) = delete;

  private:
    bool before_;
};

// Puts the allocator that does this in front of torch's, once for the process. To threads on which no Recycling lives it gives what torch's gives.
void install_recycling();

// Gives back what this thread keeps.
void forget_recycled();

} // namespace evr_torch

#endif
