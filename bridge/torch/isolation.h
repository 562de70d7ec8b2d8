// The state of the thread that every call of the bridge runs in.
#ifndef EVR_BRIDGE_TORCH_ISOLATION_H
#define EVR_BRIDGE_TORCH_ISOLATION_H

#include <c10/core/AutogradState.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace evr_torch
{

// How far down the dispatcher's list of keys a call starts.
enum class Depth {
    backend, // below autograd and view tracking: the kernels that a no-grad or inference program ends in, without the steps
             // before them
    autograd // at the autograd keys, with recording off: for operators that have a kernel nowhere else
};

// A known state in place of the caller's: no autocast, no functorch, Python or inference mode, no history. What is made is
// an ordinary tensor that any later call may view or change in place; inference mode is not used because its tensors refuse
// that outside of it.
class Isolation
{
  public:
    explicit Isolation(Depth depth = Depth::backend)
        : keys_(c10::default_included_set,
                depth == Depth::backend ? c10::default_excluded_set | c10::autograd_dispatch_keyset_with_ADInplaceOrView
                                        : c10::default_excluded_set),
          state_(c10::AutogradState::get_tls_state()), grad_(state_.get_grad_mode()),
          inference_(state_.get_inference_mode()), fw_grad_(state_.get_fw_grad_mode())
    {
        set(false, false, false);
    }
    ~Isolation() { set(grad_, inference_, fw_grad_); }
    Isolation(const Isolation &) = delete;
    Isolation &operator=(const Isolation &) = delete;

  private:
    void set(bool grad, bool inference, bool fw_grad)
    {
        state_.set_grad_mode(grad);
        state_.set_inference_mode(inference);
        state_.set_fw_grad_mode(fw_grad);
    }
    c10::impl::ForceDispatchKeyGuard keys_;
    c10::AutogradState &state_; // the thread's own; looked up once
    bool grad_, inference_, fw_grad_;
};

} // namespace evr_torch

#endif
