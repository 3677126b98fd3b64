// sgm.hpp - sgm.h for C++17 to C++23: what owns memory frees itself, what can fail throws.
//
// Put it beside sgm.h. In one file of your program write
//
//     #define SGM_IMPLEMENTATION
//     #include "sgm.hpp"
//
// and in all others just #include "sgm.hpp"; or link sgm.h compiled as C. examples/cpp/fit.cpp is a
// whole program. Each class holds one struct of sgm.h: `object->field` reads its fields, get()
// hands it to any function of sgm.h, and sgm.h's comments hold. Objects move and do not copy. A
// score points into what made it, which must outlive it; moving that is allowed.
//
// Arrays come in as sgm::span, which is std::span from C++20 on: vectors, arrays, and (pointer,
// size) become one. Rows stand one after another; no whole number of rows is an error.
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
    static failure of(sgm_status s) { return s == SGM_OK ? failure{} : failure{s, sgm_error()}; }
};

// Programs of both kinds may be linked together: their classes have names of their own.
#ifdef SGM_NO_EXCEPTIONS
inline namespace checked {

template <class T> class result;
template <> class [[nodiscard]] result<void> {
    failure why_;

public:
    result(failure why) : why_(std::move(why)) {}
    explicit operator bool() const { return why_.status == SGM_OK; }
    sgm_status status() const { return why_.status; }
    const std::string &what() const { return why_.what; }
};
template <class T> class [[nodiscard]] result : public result<void> {
    std::optional<T> value_;

public:
    result(failure why, T &&value) : result<void>(std::move(why)) {
        if (*this) value_ = std::move(value);
    }
    T &operator*() & { return *value_; }
    const T &operator*() const & { return *value_; }
    T &&operator*() && { return std::move(*value_); }
    T *operator->() { return &*value_; }
    const T *operator->() const { return &*value_; }
};
template <class T> using returns = result<T>;

namespace detail {
inline returns<void> give(failure why) { return why; }
template <class T> returns<T> give(failure why, T &&value) {
    return {std::move(why), std::move(value)};
}
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
inline void give(failure why) {
    if (why.status != SGM_OK) throw error(why);
}
template <class T> T give(failure why, T &&value) {
    if (why.status != SGM_OK) throw error(why);
    return std::move(value);
}
#endif

// n numbers are whole rows of d; or they are not
inline failure whole(const char *call, std::size_t n, int d) {
    if (d > 0 && n % static_cast<std::size_t>(d) == 0) return {};
    return {SGM_BAD_ARGUMENT, std::string(call) + ": " + std::to_string(n) +
            " numbers are no whole rows of " + std::to_string(d)};
}
inline long rows(std::size_t n, int d) { return d > 0 ? static_cast<long>(n) / d : 0; }
inline std::size_t room(long rows, int d) {
    return rows > 0 && d > 0 ? static_cast<std::size_t>(rows) * static_cast<std::size_t>(d) : 0;
}

// One of sgm.h's functions is called, if nothing was wrong before; and what it filled is returned.
template <class Call> returns<void> run(failure why, Call &&call) {
    if (why.status == SGM_OK) why = failure::of(call());
    return give(std::move(why));
}
template <class T, class Call> returns<T> run(failure why, T value, Call &&call) {
    if (why.status == SGM_OK) why = failure::of(call(value));
    return give(std::move(why), std::move(value));
}

// A callable as sgm.h's on_step. What it throws ends the run, and is thrown again outside of C.
template <class F> struct hook {
    std::remove_reference_t<F> &call;
#ifdef SGM_NO_EXCEPTIONS
    static int step(const sgm_fit_news *news, void *self) {
        return static_cast<hook *>(self)->call(*news) ? 1 : 0;
    }
    void throw_again() {}
#else
    std::exception_ptr thrown{};
    static int step(const sgm_fit_news *news, void *self) noexcept {
        try {
            return static_cast<hook *>(self)->call(*news) ? 1 : 0;
        } catch (...) {
            static_cast<hook *>(self)->thrown = std::current_exception();
            return 1;
        }
    }
    void throw_again() {
        if (thrown) std::rethrow_exception(thrown);
    }
#endif
};
} // namespace detail

// One struct of sgm.h, at an address that stays, with the function that frees it. A new one is
// empty; one that was moved from is for assigning to.
template <class Self, class T, void (*Free)(T *)> class handle {
    struct release {
        void operator()(T *object) const {
            Free(object);
            delete object;
        }
    };
    std::unique_ptr<T, release> object_{new (std::nothrow) T()};

public:
    // made by one of sgm.h's functions that fill a T: make(sgm_model_open, "a.safetensors")
    template <class Fill, class... Args> static returns<Self> make(Fill fill, Args &&...args) {
        Self made;
        failure why = made.get() ? failure{} : failure{SGM_NO_MEMORY, "no memory for an object"};
        return detail::run(std::move(why), std::move(made), [&](Self &filled) {
            return fill(filled.get(), std::forward<Args>(args)...);
        });
    }
    T *get() { return object_.get(); }
    const T *get() const { return object_.get(); }
    T *operator->() { return object_.get(); }
    const T *operator->() const { return object_.get(); }
};

struct mixture : handle<mixture, sgm_mixture, sgm_mixture_free> {};
struct model : handle<model, sgm_model, sgm_model_free> {};
struct trainer : handle<trainer, sgm_trainer, sgm_trainer_free> {};
struct optimiser : handle<optimiser, sgm_optimiser, sgm_optimiser_free> {};
struct sampler : handle<sampler, sgm_sampler, sgm_sampler_free> {};
struct langevin : handle<langevin, sgm_langevin, sgm_langevin_free> {};
struct inverse : handle<inverse, sgm_inverse, sgm_inverse_free> {};
struct posterior : handle<posterior, sgm_posterior, sgm_posterior_free> {};
struct scaler : handle<scaler, sgm_scaler, sgm_scaler_free> {};
struct ddpm : handle<ddpm, sgm_ddpm, sgm_ddpm_free> {};
struct archive : handle<archive, sgm_archive, sgm_archive_free> {};
struct images : handle<images, sgm_images, sgm_images_free> {};

inline sgm_key key(std::uint64_t seed) { return sgm_key_init(seed); }

// Any other function of sgm.h that tells a status: call(sgm_model_save, m.get(), "a.safetensors").
template <class Function, class... Args> returns<void> call(Function function, Args &&...args) {
    return detail::give(failure::of(function(std::forward<Args>(args)...)));
}

// The score of a model is that of its first average, or of its parameters if it keeps none. What
// would point into something that is gone when the line ends does not compile.
inline sgm_score score(const mixture &m) { return sgm_mixture_score(m.get()); }
inline sgm_score score(const model &m) {
    return sgm_model_score(m.get(), m->o.n_ema > 0 ? 0 : SGM_RAW);
}
inline sgm_score score(const posterior &p) { return sgm_posterior_score(p.get()); }
sgm_score score(const mixture &&) = delete;
sgm_score score(const model &&) = delete;
sgm_score score(const posterior &&) = delete;

inline returns<void> train(model &m, span<const float> x, const sgm_train_options &options,
                           sgm_key key) {
    return detail::run(detail::whole("sgm::train", x.size(), m->o.d), [&] {
        return sgm_train(m.get(), x.data(), detail::rows(x.size(), m->o.d), &options, key);
    });
}
// Draws that fill x, also where sgm.h says SGM_NOT_LEARNT; and log p of x, whose rows it returns.
inline returns<void> sample(span<float> x, const sgm_score &score,
                            const sgm_sample_options &options, sgm_key key) {
    return detail::run(detail::whole("sgm::sample", x.size(), score.d), [&] {
        return sgm_sample(x.data(), detail::rows(x.size(), score.d), &score, &options, key);
    });
}
inline returns<std::vector<double>> likelihood(span<const float> x, const sgm_score &score,
                                               const sgm_likelihood_options &options, sgm_key key,
                                               sgm_likelihood_result *result = nullptr) {
    const long n = detail::rows(x.size(), score.d);
    std::vector<double> room(detail::room(n, 1));
    return detail::run(detail::whole("sgm::likelihood", x.size(), score.d), std::move(room),
                       [&](std::vector<double> &logp) {
        return sgm_likelihood(logp.data(), nullptr, nullptr, x.data(), n, &score, &options, result,
                              key);
    });
}

// A table: rows in their own units, as doubles; NaN is a value that is not known.
struct table : handle<table, sgm_table, sgm_table_free> {
    static returns<table> load(const std::string &path, const sgm_table_options &options = {}) {
        return make(sgm_table_load, path.c_str(), &options);
    }
    // x(n,d), which stays yours and must outlive the table; set ->column and ->weight if you like
    static returns<table> of(span<const double> x, int d) {
        return detail::run(detail::whole("sgm::table::of", x.size(), d), table(), [&](table &t) {
            t->x = const_cast<double *>(x.data()); // nothing writes to a table that it does not own
            t->n = detail::rows(x.size(), d), t->d = d;
            return SGM_OK;
        });
    }
    static returns<table> of(std::vector<double> &&x, int d) = delete;
    returns<void> save(const std::string &path) const {
        return call(sgm_table_save, path.c_str(), get());
    }
    span<const double> values() const { return {get()->x, detail::room(get()->n, get()->d)}; }
};

struct estimates {
    std::vector<double> value, se;
};
struct draws { // x(n,d); weight(n) of particles, empty where all are alike
    std::vector<double> x, weight;
    sgm_given told;
};
struct oddity { // .999 of the ordinary rows surprise less: that is odd
    std::vector<double> surprise, quantile;
};

// A fitted model: every question is a call.
class fitted : public handle<fitted, sgm_fitted, sgm_fitted_free> {
    using numbers = std::vector<double>;
    failure whole(const char *call, std::size_t n) const { return detail::whole(call, n, d()); }
    long rows(std::size_t n) const { return detail::rows(n, d()); }
    static estimates room(long n, int d) {
        const numbers none(detail::room(n, d));
        return {none, none};
    }

public:
    static returns<fitted> fit(const table &rows, const sgm_fit_options &options, sgm_key key) {
        return make(sgm_fit, rows.get(), &options, key);
    }
    // on_step(const sgm_fit_news &) is called now and then; true: stop, with the best so far
    template <class F>
    static returns<fitted> fit(const table &rows, sgm_fit_options o, sgm_key key, F &&on_step) {
        detail::hook<F> hook{on_step};
        o.on_step = hook.step, o.user = &hook;
        return detail::run({}, fitted(), [&](fitted &made) {
            const sgm_status status = sgm_fit(made.get(), rows.get(), &o, key);
            hook.throw_again();
            return status;
        });
    }
    static returns<fitted> open(const std::string &path) {
        return make(sgm_fitted_open, path.c_str());
    }
    returns<void> save(const std::string &path) const {
        return call(sgm_fitted_save, get(), path.c_str());
    }
    int d() const { return get()->table.d; }
    const sgm_fit_report &report() const { return get()->report; }
    std::string text() const { // what was chosen and how good it is
        std::string text(static_cast<std::size_t>(sgm_fitted_print(get(), nullptr, 0)) + 1, '\0');
        sgm_fitted_print(get(), &text[0], text.size());
        text.pop_back();
        return text;
    }
    sgm_score score() const & { return sgm_fitted_score(get()); } // of encoded rows
    sgm_score score() const && = delete;

    returns<void> sample(span<double> x, sgm_key key) const {
        return detail::run(whole("sgm::fitted::sample", x.size()), [&] {
            return sgm_fitted_sample(get(), x.data(), rows(x.size()), key);
        });
    }
    returns<numbers> sample(long n, sgm_key key) const {
        return detail::run({}, numbers(detail::room(n, d())), [&](numbers &x) {
            return sgm_fitted_sample(get(), x.data(), n, key);
        });
    }
    returns<estimates> logp(span<const double> x, sgm_key key) const {
        const long n = rows(x.size());
        return detail::run(whole("sgm::fitted::logp", x.size()), room(n, 1), [&](estimates &e) {
            return sgm_fitted_logp(get(), e.value.data(), e.se.data(), x.data(), n, key);
        });
    }
    // n rows given what row(d) knows; weighted: the particles themselves
    returns<draws> given(span<const double> row, long n, sgm_key key, bool weighted = false) const {
        draws room{numbers(detail::room(n, d())), numbers(weighted ? detail::room(n, 1) : 0), {}};
        failure why = whole("sgm::fitted::given", row.size());
        if (why.status == SGM_OK && rows(row.size()) != 1)
            why = {SGM_BAD_ARGUMENT, "sgm::fitted::given: it is asked about one row"};
        return detail::run(std::move(why), std::move(room), [&](draws &r) {
            double *weight = weighted ? r.weight.data() : nullptr;
            return sgm_fitted_given(get(), r.x.data(), weight, n, row.data(), &r.told, key);
        });
    }
    // x with its NaNs filled, and by how much they might be others
    returns<estimates> impute(span<const double> x, sgm_key key,
                              sgm_impute how = SGM_IMPUTE_DRAW) const {
        const long n = rows(x.size());
        return detail::run(whole("sgm::fitted::impute", x.size()), room(n, d()), [&](estimates &e) {
            return sgm_fitted_impute(get(), e.value.data(), e.se.data(), x.data(), n, how, key);
        });
    }
    returns<oddity> anomaly(span<const double> x, sgm_key key) const {
        const long n = rows(x.size());
        oddity room{numbers(detail::room(n, 1)), numbers(detail::room(n, 1))};
        failure why = whole("sgm::fitted::anomaly", x.size());
        return detail::run(std::move(why), std::move(room), [&](oddity &o) {
            double *surprise = o.surprise.data(), *quantile = o.quantile.data();
            return sgm_fitted_anomaly(get(), surprise, quantile, x.data(), n, key);
        });
    }
};

} // namespace checked or throwing
} // namespace sgm
#endif
