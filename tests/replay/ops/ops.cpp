// Operators that look at what they are given: page tables, routing, texts, lists. One that finds nonsense raises.
#include <ATen/ATen.h>
#include <torch/library.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace
{

std::vector<int64_t> numbers(const at::Tensor &t)
{
    const at::Tensor whole = t.to(at::kLong).contiguous().view({-1});
    return {whole.const_data_ptr<int64_t>(), whole.const_data_ptr<int64_t>() + whole.numel()};
}

void check_distinct(const std::vector<int64_t> &values, int64_t below, const char *what)
{
    std::vector<int> seen(below);
    const bool fits = static_cast<int64_t>(values.size()) <= below;
    for (const int64_t v : values) {
        TORCH_CHECK(v >= 0 && v < below, what, " ", v, " is not below ", below);
        TORCH_CHECK(!seen[v]++ || !fits, what, " ", v, " is there twice");
    }
}

// Sequences of a pool of pages [pages, tokens, heads, dim].
at::Tensor paged(const at::Tensor &query, const at::Tensor &key_cache, const at::Tensor &value_cache, const at::Tensor &block_tables,
                 const at::Tensor &seq_lens, const at::Tensor &query_start_loc, int64_t block_size, int64_t max_seq_len)
{
    TORCH_CHECK(value_cache.sizes() == key_cache.sizes(), "the caches differ");
    check_distinct(numbers(block_tables), key_cache.size(0), "page");
    const auto lengths = numbers(seq_lens), starts = numbers(query_start_loc);
    const int64_t room = std::min(max_seq_len, block_tables.size(1) * block_size);
    TORCH_CHECK(starts.front() == 0 && starts.back() == query.size(0), "the query's rows are not dealt out");
    for (size_t i = 0; i < lengths.size(); i++) {
        const int64_t rows = starts[i + 1] - starts[i];
        TORCH_CHECK(rows >= 0, "query_start_loc falls");
        TORCH_CHECK(lengths[i] >= 1 && lengths[i] <= room, "a sequence of ", lengths[i], " has room for ", room);
        TORCH_CHECK(lengths[i] >= std::min(rows, room), "a sequence is shorter than its query");
    }
    return query_start_loc.clone();
}

void slots(const at::Tensor &key, const at::Tensor &key_cache, const at::Tensor &slot_mapping)
{
    TORCH_CHECK(slot_mapping.size(0) == key.size(0), "one slot for each token");
    check_distinct(numbers(slot_mapping), key_cache.size(0) * key_cache.size(1), "slot");
}

at::Tensor positions(const at::Tensor &position_ids, const at::Tensor &cos_sin_cache)
{
    int64_t most = 0;
    for (const int64_t p : numbers(position_ids)) {
        TORCH_CHECK(p >= 0 && p < cos_sin_cache.size(0), "position ", p);
        most = std::max(most, p);
    }
    TORCH_CHECK(most > 0, "all positions are 0");
    return position_ids.clone();
}

// One block of sorted places belongs to one expert; `place` gives the flat choice of a place, or -1 of padding.
template <typename Place>
void check_routing(const std::vector<int64_t> &chosen, const std::vector<int64_t> &sorted, const std::vector<int64_t> &owners, int64_t total, int64_t block,
                   Place place)
{
    std::vector<int> seen(chosen.size());
    TORCH_CHECK(total % block == 0 && total <= static_cast<int64_t>(sorted.size()), "padded total ", total);
    for (int64_t i = 0; i < static_cast<int64_t>(sorted.size()); i++) {
        const int64_t at = place(sorted[i]);
        TORCH_CHECK(at >= 0 ? i < total : at == -1, "place ", i, " holds ", sorted[i]);
        if (at >= 0) {
            TORCH_CHECK(chosen[at] == owners[i / block], "a token is in another expert's block");
            TORCH_CHECK(!seen[at]++, "a token is there twice");
        }
    }
    for (const int one : seen)
        TORCH_CHECK(one == 1, "a token is missing");
}

at::Tensor moe(const at::Tensor &hidden_states, const at::Tensor &w1, const at::Tensor &topk_weights, const at::Tensor &topk_ids,
               const at::Tensor &sorted_token_ids, const at::Tensor &expert_ids, const at::Tensor &num_tokens_post_padded, int64_t block_size_m)
{
    const auto chosen = numbers(topk_ids);
    const int64_t topk = topk_ids.size(1), n = static_cast<int64_t>(chosen.size());
    TORCH_CHECK(hidden_states.size(0) == topk_ids.size(0), "one row for each token");
    for (int64_t token = 0; token < topk_ids.size(0); token++)
        check_distinct({chosen.begin() + token * topk, chosen.begin() + (token + 1) * topk}, w1.size(0), "expert");
    TORCH_CHECK(at::allclose(topk_weights.sum(1), at::ones({topk_ids.size(0)})), "shares do not add up to 1");
    check_routing(chosen, numbers(sorted_token_ids), numbers(expert_ids), numbers(num_tokens_post_padded)[0], block_size_m,
                  [&](int64_t v) { return v < n ? v : v == n ? -1 : -2; });
    return topk_ids.clone();
}

// Places pack a token and which of its choices it is; the block's size follows from the sizes.
at::Tensor packed_moe(const at::Tensor &hidden_states, const at::Tensor &w1, const at::Tensor &topk_ids, const at::Tensor &sorted_token_ids,
                      const at::Tensor &sorted_expert_ids, const at::Tensor &num_valid_ids)
{
    const int64_t topk = topk_ids.size(1), tokens = topk_ids.size(0);
    TORCH_CHECK(hidden_states.size(0) == tokens && w1.dim() == 3, "shapes");
    check_routing(numbers(topk_ids), numbers(sorted_token_ids), numbers(sorted_expert_ids), numbers(num_valid_ids)[0],
                  sorted_token_ids.numel() / sorted_expert_ids.numel(), [&](int64_t v) {
                      const int64_t token = v & 0xFFFFFF, choice = v >> 24;
                      return token < tokens && choice < topk ? token * topk + choice : token == tokens && choice == topk ? -1 : -2;
                  });
    return topk_ids.clone();
}

at::Tensor text(const at::Tensor &x, const std::string &kv_cache_dtype)
{
    TORCH_CHECK(kv_cache_dtype == "auto", "kv_cache_dtype is ", kv_cache_dtype);
    return x + 1;
}

std::vector<at::Tensor> lists(const std::vector<at::Tensor> &xs, const c10::List<std::optional<at::Tensor>> &ys)
{
    TORCH_CHECK(xs.size() == 2 && ys.size() == 2 && ys.get(0).has_value() && !ys.get(1).has_value(), "lists");
    return {xs[1], xs[0]};
}

at::Tensor symm(const at::Tensor &a, at::TensorList bs, int64_t n) { return a + bs[0] * n; }
void symm_(at::Tensor a) { a.add_(1); }
at::Tensor marked(const at::Tensor &x) { return x.clone(); }

// Operators that take their process with them, each in its way.
at::Tensor crash(const at::Tensor &x)
{
    *static_cast<volatile int *>(nullptr) = static_cast<int>(x.numel());
    return x;
}

at::Tensor give_up(const at::Tensor &x)
{
    std::fprintf(stderr, "poison: this process has had enough\n");
    std::abort();
    return x;
}

at::Tensor leave(const at::Tensor &x)
{
    std::_Exit(static_cast<int>(x.numel()));
    return x;
}

at::Tensor hang(const at::Tensor &x)
{
    for (;;)
        sleep(1);
    return x;
}

at::Tensor allocate(const at::Tensor &x)
{
    std::vector<at::Tensor> all;
    for (;;)
        all.push_back(at::ones({64 << 20}, x.options()));
}

// Says that it takes memory without end and touches none of it.
at::Tensor reserve(const at::Tensor &x)
{
    std::vector<at::Tensor> all;
    for (;;)
        all.push_back(at::empty({1 << 30}, x.options()));
}

// Expects its argument where it is not.
at::Tensor wrong_device(const at::Tensor &x)
{
    TORCH_CHECK(x.is_meta(), "poison: Expected all tensors to be on the same device, but found at least two devices, meta and ", x.device());
    return x;
}

// Spins instead of sleeping, deaf to polite signals.
at::Tensor spin(const at::Tensor &x)
{
    std::signal(SIGTERM, SIG_IGN);
    for (volatile uint64_t turns = 0;;)
        turns = turns + 1;
    return x;
}

// Closes whatever is open, its line to whoever started it among it, and stays.
at::Tensor shut_up(const at::Tensor &x)
{
    for (int fd = 0; fd < 256; fd++)
        close(fd);
    return hang(x);
}

// Leaves a child behind that keeps what it inherited open, and crashes.
at::Tensor leave_child(const at::Tensor &x)
{
    if (fork() == 0) {
        sleep(600);
        std::_Exit(0);
    }
    return crash(x);
}

// Takes the process away that started it.
at::Tensor patricide(const at::Tensor &x)
{
    kill(getppid(), SIGKILL);
    return hang(x);
}

at::Tensor refuse(const at::Tensor &x)
{
    TORCH_CHECK(false, "poison: raised");
    return x;
}

// Leaves something behind that the next call of `innocent` in the same process dies of.
bool spoiled = false;
at::Tensor spoil(const at::Tensor &x)
{
    spoiled = true;
    return x.clone();
}

at::Tensor innocent(const at::Tensor &x)
{
    if (spoiled)
        std::abort();
    return x.clone();
}

// Writes what its schema says it only reads.
at::Tensor meddle(const at::Tensor &x)
{
    const_cast<at::Tensor &>(x).add_(1);
    return x.clone();
}

at::Tensor not_a_number(const at::Tensor &x) { return x / 0 - x / 0; }

at::Tensor other_every_time(const at::Tensor &x)
{
    static int calls = 0;
    return x + ++calls;
}

// Right in float64 only.
at::Tensor imprecise(const at::Tensor &x) { return x.scalar_type() == at::kDouble ? x * 2 : x * 3; }

} // namespace

TORCH_LIBRARY(evrpoison, m)
{
    const std::pair<const char *, at::Tensor (*)(const at::Tensor &)> all[] = {
        {"crash", crash},   {"abort", give_up}, {"exit", leave},         {"hang", hang},     {"allocate", allocate},
        {"refuse", refuse},   {"reserve", reserve},  {"wrong_device", wrong_device}, {"spin", spin}, {"shut_up", shut_up}, {"leave_child", leave_child},
        {"patricide", patricide}, {"spoil", spoil},   {"innocent", innocent},  {"meddle", meddle}, {"not_a_number", not_a_number},
        {"other_every_time", other_every_time}, {"imprecise", imprecise},
    };
    for (const auto &[name, function] : all)
        m.def((std::string(name) + "(Tensor x) -> Tensor").c_str(), function);
}

TORCH_LIBRARY(evrtest, m)
{
    m.def("paged(Tensor query, Tensor key_cache, Tensor value_cache, Tensor block_tables, Tensor seq_lens, Tensor query_start_loc, int block_size, "
          "int max_seq_len) -> Tensor",
          paged);
    m.def("slots(Tensor key, Tensor(a!) key_cache, Tensor slot_mapping) -> ()", slots);
    m.def("positions(Tensor position_ids, Tensor cos_sin_cache) -> Tensor", positions);
    m.def("moe(Tensor hidden_states, Tensor w1, Tensor topk_weights, Tensor topk_ids, Tensor sorted_token_ids, Tensor expert_ids, Tensor "
          "num_tokens_post_padded, int block_size_m) -> Tensor",
          moe);
    m.def("packed_moe(Tensor hidden_states, Tensor w1, Tensor topk_ids, Tensor sorted_token_ids, Tensor sorted_expert_ids, Tensor num_valid_ids) -> Tensor",
          packed_moe);
    m.def("text(Tensor x, str kv_cache_dtype) -> Tensor", text);
    m.def("lists(Tensor[] xs, Tensor?[] ys) -> Tensor[]", lists);
    m.def("symm(Tensor a, Tensor[] bs, int n) -> Tensor", symm);
    m.def("symm_(Tensor(a!) a) -> ()", symm_);
    m.def("symm_out(Tensor a, *, Tensor(b!) out) -> Tensor(b!)", [](const at::Tensor &a, at::Tensor out) -> at::Tensor { return out.copy_(a); });
    m.def("marked(Tensor x) -> Tensor", marked);
}
