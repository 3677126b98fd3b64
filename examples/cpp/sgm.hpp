// sgm.hpp - sgm.h for C++17 to C++23: what owns memory frees itself, what can fail throws.
//
// Put it beside sgm.h. In one file of your program write
//
//     #define SGM_IMPLEMENTATION
//     #include "sgm.hpp"
//
// and in all others just #include "sgm.hpp"; or link sgm.h compiled as C. examples/cpp/fit.cpp is a
// whole program. Each class holds one struct of sgm.h: `object->field` reads its fields, get() hands
// it to any function of sgm.h, and sgm.h's comments hold. Objects move and do not copy. A score
// points into what made it, which must outlive it; moving that is allowed.
//
// Arrays come in as sgm::span, which is std::span from C++20 on: vectors, arrays, and (pointer,
// size) become one. Rows stand one after another; a size that is no whole number of rows is an error.
//
// With exceptions, a call returns its value or throws sgm::error, which has status() and what().
// Under -fno-exceptions, or with SGM_NO_EXCEPTIONS defined, it returns an sgm::result: `if (!r)`
// tells of a failure, r.status() and r.what() which, and *r or r-> is the value.
#ifndef SGM_HPP
#define SGM_HPP

#include "sgm.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if !defined(__cpp_exceptions) && !defined(_CPPUNWIND) && !defined(SGM_NO_EXCEPTIONS)
#define SGM_NO_EXCEPTIONS
#endif
#ifndef SGM_NO_EXCEPTIONS
#include <exception>
#include <stdexcept>
#endif
#if __cplusplus >= 202002L || (defined(_MSVC_LANG) && _MSVC_LANG >= 202002L)
#include <span>
#define SGM_STD_SPAN
#endif

namespace sgm {

#ifdef SGM_STD_SPAN
template <class T> using span = std::span<T>;
#else
template <class T> class span {
    T *first_ = nullptr;
    std::size_t size_ = 0;
    template <class C> using item = std::remove_pointer_t<decltype(std::data(std::declval<C &>()))>;

public:
    constexpr span() = default;
    constexpr span(T *first, std::size_t size) : first_(first), size_(size) {}
    template <class C, class = std::enable_if_t<std::is_convertible_v<item<C> (*)[], T (*)[]> &&
                           !std::is_same_v<std::remove_cv_t<std::remove_reference_t<C>>, span>>>
    constexpr span(C &&c) : first_(std::data(c)), size_(std::size(c)) {}
    constexpr T *data() const { return first_; }
    constexpr std::size_t size() const { return size_; }
    constexpr bool empty() const { return size_ == 0; }
    constexpr T *begin() const { return first_; }
    constexpr T *end() const { return first_ + size_; }
    constexpr T &operator[](std::size_t i) const { return first_[i]; }
};
#endif

// A status with its message, which the next error of this thread would overwrite.
struct failure {
    sgm_status status = SGM_OK;
    std::string what;
    static failure of(sgm_status status) {
        return status == SGM_OK ? failure{} : failure{status, sgm_error()};
    }
};

// Programs of both kinds may be linked together: their classes have names of their own.
#ifdef SGM_NO_EXCEPTIONS
inline namespace checked {

template <class T> class [[nodiscard]] result {
    std::optional<T> value_;
    failure why_;

public:
    result(T &&value) : value_(std::move(value)) {}
    result(failure why) : why_(std::move(why)) {}
    explicit operator bool() const { return value_.has_value(); }
    sgm_status status() const { return why_.status; }
    const std::string &what() const { return why_.what; }
    T &operator*() & { return *value_; }
    const T &operator*() const & { return *value_; }
    T &&operator*() && { return std::move(*value_); }
    T *operator->() { return &*value_; }
    const T *operator->() const { return &*value_; }
};

template <> class [[nodiscard]] result<void> {
    failure why_;

public:
    result(failure why) : why_(std::move(why)) {}
    explicit operator bool() const { return why_.status == SGM_OK; }
    sgm_status status() const { return why_.status; }
    const std::string &what() const { return why_.what; }
};

template <class T> using returns = result<T>;
namespace detail {
template <class T> returns<T> give(failure why, T &&value) {
    if (why.status != SGM_OK) return why;
    return std::move(value);
}
inline returns<void> give(failure why) { return why; }
} // namespace detail
#else
inline namespace throwing {

class error : public std::runtime_error {
    sgm_status status_;

public:
    explicit error(const failure &why) : std::runtime_error(why.what), status_(why.status) {}
    sgm_status status() const noexcept { return status_; }
};

template <class T> using returns = T;
namespace detail {
template <class T> T give(failure why, T &&value) {
    if (why.status != SGM_OK) throw error(why);
    return std::move(value);
}
inline void give(failure why) {
    if (why.status != SGM_OK) throw error(why);
}
} // namespace detail
#endif

namespace detail {
inline returns<void> give(sgm_status status) { return give(failure::of(status)); }

// n numbers as rows of d: how many, or why not; as so many rows
inline long rows(std::size_t n, int d) { return d > 0 ? static_cast<long>(n) / d : 0; }
inline failure whole(const char *call, std::size_t n, int d) {
    if (d > 0 && n % static_cast<std::size_t>(d) == 0) return {};
    return {SGM_BAD_ARGUMENT, std::string(call) + ": " + std::to_string(n) +
            " numbers are no whole rows of " + std::to_string(d)};
}
inline failure just(const char *call, std::size_t n, long rows, int d) {
    if (rows >= 0 && d > 0 && n == static_cast<std::size_t>(rows) * static_cast<std::size_t>(d))
        return {};
    return {SGM_BAD_ARGUMENT, std::string(call) + ": " + std::to_string(n) + " numbers, not " +
            std::to_string(rows) + " rows of " + std::to_string(d)};
}
inline std::size_t room(long rows, int d) {
    return rows > 0 && d > 0 ? static_cast<std::size_t>(rows) * static_cast<std::size_t>(d) : 0;
}
} // namespace detail

// One struct of sgm.h, at an address that stays, with the function that frees it.
template <class Self, class T, void (*Free)(T *)> class handle {
    struct release {
        void operator()(T *object) const {
            Free(object);
            delete object;
        }
    };
    std::unique_ptr<T, release> object_{new (std::nothrow) T()};

protected:
    // fill: one of sgm.h's functions that make a T; why: what was wrong before it is called
    template <class Fill> static returns<Self> build(failure why, Fill &&fill) {
        Self made;
        if (!made.get() && why.status == SGM_OK) why = {SGM_NO_MEMORY, "no memory for an object"};
        if (why.status == SGM_OK) why = failure::of(fill(made.get()));
        return detail::give(std::move(why), std::move(made));
    }
    handle() = default;

public:
    T *get() { return object_.get(); }
    const T *get() const { return object_.get(); }
    T *operator->() { return object_.get(); }
    const T *operator->() const { return object_.get(); }
};

inline sgm_key key(std::uint64_t seed) { return sgm_key_init(seed); }

// Gaussian mixtures and finite sets of points, whose scores are exact.
class mixture : public handle<mixture, sgm_mixture, sgm_mixture_free> {
    friend handle;

public:
    // mean(k,d); weight(k), or empty: all alike; cov as its shape says, empty of points
    static returns<mixture> make(int d, span<const double> weight, span<const double> mean,
                                 span<const double> cov, sgm_cov shape, const sgm_sde &sde) {
        const long k = detail::rows(mean.size(), d);
        const int of[] = {0, 1, d, d * d}, per = shape > SGM_COV_FULL ? 0 : of[shape];
        failure why = detail::whole("sgm::mixture::make: mean", mean.size(), d);
        if (!weight.empty() && why.status == SGM_OK)
            why = detail::just("sgm::mixture::make: weight", weight.size(), k, 1);
        if (per > 0 && why.status == SGM_OK)
            why = detail::just("sgm::mixture::make: cov", cov.size(), k, per);
        return build(std::move(why), [&](sgm_mixture *mix) {
            return sgm_mixture_init(mix, static_cast<int>(k), d,
                                    weight.empty() ? nullptr : weight.data(), mean.data(),
                                    cov.data(), shape, &sde);
        });
    }
    static returns<mixture> from_data(span<const float> x, int d, const sgm_sde &sde) {
        return build(detail::whole("sgm::mixture::from_data", x.size(), d), [&](sgm_mixture *mix) {
            return sgm_mixture_from_data(mix, x.data(), detail::rows(x.size(), d), d, &sde);
        });
    }
    sgm_score score() const & { return sgm_mixture_score(get()); }
    sgm_score score() const && = delete; // it would point into what is gone
    returns<std::vector<float>> sample(long n, double t, sgm_key key) const {
        std::vector<float> x(detail::room(n, get()->d));
        failure why = failure::of(sgm_mixture_sample(get(), x.data(), nullptr, n, t, key));
        return detail::give(std::move(why), std::move(x));
    }
};

class model : public handle<model, sgm_model, sgm_model_free> {
    friend handle;

public:
    static returns<model> make(const sgm_model_options &options, sgm_key key) {
        return build({}, [&](sgm_model *m) { return sgm_model_init(m, &options, key); });
    }
    static returns<model> open(const std::string &path) { // made and saved by anybody
        return build({}, [&](sgm_model *m) { return sgm_model_open(m, path.c_str()); });
    }
    returns<void> load(const std::string &path) {
        return detail::give(sgm_model_load(get(), path.c_str()));
    }
    returns<void> save(const std::string &path) const {
        return detail::give(sgm_model_save(get(), path.c_str()));
    }
    returns<void> train(span<const float> data, const sgm_train_options &options, sgm_key key) {
        failure why = detail::whole("sgm::model::train", data.size(), get()->o.d);
        const long n = detail::rows(data.size(), get()->o.d);
        if (why.status == SGM_OK)
            why = failure::of(sgm_train(get(), data.data(), n, &options, key));
        return detail::give(std::move(why));
    }
    // of its first average, or of the parameters themselves if it keeps none
    sgm_score score() const & { return sgm_model_score(get(), get()->o.n_ema > 0 ? 0 : SGM_RAW); }
    sgm_score score() const && = delete;
};

// Training step by step: `while (!t.done()) t.step();`. Model and data outlive it.
class trainer : public handle<trainer, sgm_trainer, sgm_trainer_free> {
    friend handle;

public:
    static returns<trainer> make(model &m, span<const float> data,
                                 const sgm_train_options &options, sgm_key key) {
        const int d = m->o.d;
        return build(detail::whole("sgm::trainer::make", data.size(), d), [&](sgm_trainer *t) {
            const long n = detail::rows(data.size(), d);
            return sgm_trainer_init(t, m.get(), data.data(), n, &options, key);
        });
    }
    returns<void> step() { return detail::give(sgm_trainer_step(get())); }
    bool done() const { return sgm_trainer_done(get()) != 0; }
    returns<void> best() { return detail::give(sgm_trainer_best(get())); }
    returns<void> load(const std::string &path) {
        return detail::give(sgm_trainer_load(get(), path.c_str()));
    }
    returns<void> save(const std::string &path) const {
        return detail::give(sgm_trainer_save(get(), path.c_str()));
    }
};

// Sampling step by step: x holds n points throughout, and no step allocates.
class sampler : public handle<sampler, sgm_sampler, sgm_sampler_free> {
    friend handle;
    failure fits(const char *call, span<float> x) const {
        return detail::just(call, x.size(), get()->n, get()->score.d);
    }

public:
    static returns<sampler> make(const sgm_score &score, long n, const sgm_sample_options &options,
                                 sgm_key key) {
        return build({}, [&](sgm_sampler *s) {
            return sgm_sampler_init(s, &score, n, &options, key);
        });
    }
    returns<void> prior(span<float> x) {
        failure why = fits("sgm::sampler::prior", x);
        if (why.status == SGM_OK) sgm_sampler_prior(get(), x.data());
        return detail::give(std::move(why));
    }
    returns<void> step(span<float> x) {
        failure why = fits("sgm::sampler::step", x);
        if (why.status == SGM_OK) why = failure::of(sgm_sampler_step(get(), x.data()));
        return detail::give(std::move(why));
    }
    bool done() const { return sgm_sampler_done(get()) != 0; }
    void reset(sgm_key key) { sgm_sampler_reset(get(), key); }
};

// A file of named arrays and texts (safetensors).
class archive : public handle<archive, sgm_archive, sgm_archive_free> {
    friend handle;

public:
    static returns<archive> load(const std::string &path) {
        return build({}, [&](sgm_archive *a) { return sgm_archive_load(a, path.c_str()); });
    }
    // nullptr where there is none
    const sgm_array *find(const std::string &name) const {
        return sgm_archive_find(get(), name.c_str());
    }
    const char *meta(const std::string &key) const { return sgm_archive_meta(get(), key.c_str()); }
};

// Draws that fill x; and log p of x, whose rows it returns.
inline returns<void> sample(span<float> x, const sgm_score &score,
                            const sgm_sample_options &options, sgm_key key) {
    failure why = detail::whole("sgm::sample", x.size(), score.d);
    const long n = detail::rows(x.size(), score.d);
    if (why.status == SGM_OK) why = failure::of(sgm_sample(x.data(), n, &score, &options, key));
    return detail::give(std::move(why));
}
inline returns<std::vector<double>> likelihood(span<const float> x, const sgm_score &score,
                                               const sgm_likelihood_options &options, sgm_key key,
                                               sgm_likelihood_result *result = nullptr) {
    failure why = detail::whole("sgm::likelihood", x.size(), score.d);
    const long n = detail::rows(x.size(), score.d);
    std::vector<double> logp(detail::room(n, 1));
    if (why.status == SGM_OK)
        why = failure::of(sgm_likelihood(logp.data(), nullptr, nullptr, x.data(), n, &score,
                                         &options, result, key));
    return detail::give(std::move(why), std::move(logp));
}

} // namespace checked or throwing
} // namespace sgm
#endif
