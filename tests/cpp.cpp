// sgm.hpp: what it hands on is what sgm.h says, to the bit; what it owns is freed once (under ASan);
// what it refuses, it says. tests/cpp.sh compiles it, runs it, and looks at what must not compile.
#include "sgm.hpp"

#include <array>
#include <cstdio>
#include <limits>

static int passed, failed;
#define CHECK(name, what) ((what) ? (void)passed++ : (void)(failed++, std::printf("FAILED  %s\n", name)))

#ifdef SGM_NO_EXCEPTIONS
#define TAKE(...) (*(__VA_ARGS__))
template <class R> sgm_status status_of(const R &r) { return r.status(); }
#define STATUS(...) status_of(__VA_ARGS__)
#define SAID(word, ...) ((__VA_ARGS__).what().find(word) != std::string::npos)
#else
#define TAKE(...) (__VA_ARGS__)
template <class F> sgm::failure caught(F &&f) {
    try {
        f();
    } catch (const sgm::error &e) {
        return {e.status(), e.what()};
    }
    return {};
}
#define STATUS(...) caught([&] { (void)(__VA_ARGS__); }).status
#define SAID(word, ...) (caught([&] { (void)(__VA_ARGS__); }).what.find(word) != std::string::npos)
#endif

template <class T> constexpr bool moves_only() {
    return !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> &&
           std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>;
}
static_assert(moves_only<sgm::fitted>() && moves_only<sgm::table>() && moves_only<sgm::model>());
static_assert(moves_only<sgm::mixture>() && moves_only<sgm::sampler>() && moves_only<sgm::archive>());
static_assert(moves_only<sgm::trainer>() && moves_only<sgm::langevin>() && moves_only<sgm::inverse>());
static_assert(moves_only<sgm::posterior>() && moves_only<sgm::scaler>() && moves_only<sgm::ddpm>());
static_assert(moves_only<sgm::optimiser>() && moves_only<sgm::images>());

static std::vector<double> rows_of(int n) { // the second is the first and noise
    std::vector<float> z(2 * static_cast<std::size_t>(n));
    sgm_normal(z.data(), z.size(), sgm::key(1), 0);
    std::vector<double> x(z.begin(), z.end());
    for (std::size_t i = 0; i < x.size(); i += 2) x[i + 1] = x[i] + 0.5 * x[i + 1];
    return x;
}
static std::size_t of(sgm::span<const double> x) { return x.size(); }

static void spans() {
    std::vector<double> v(3);
    const std::vector<double> c(4);
    double a[5] = {};
    std::array<double, 6> s{};
    CHECK("vectors, arrays and pointers are spans", of(v) == 3 && of(c) == 4 && of(a) == 5 &&
          of(s) == 6 && of({v.data(), 2}) == 2 && of({}) == 0);
    double sum = 0;
    s[2] = 7;
    for (double x : sgm::span<const double>(s)) sum += x;
    CHECK("a span is a range", sum == 7 && sgm::span<double>(a).data() == a && sgm::span<double>().empty());
}

static sgm_fit_options quick() {
    sgm_fit_options o{};
    o.quality = SGM_QUALITY_FAST, o.steps = 100, o.width = 16, o.depth = 1;
    return o;
}

static void questions(const std::string &file) {
    const std::vector<double> data = rows_of(200);
    const sgm_fit_options o = quick();
    sgm_table t{};
    t.x = const_cast<double *>(data.data()), t.n = 200, t.d = 2;
    sgm_fitted c{};
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> gaps = {1, nan, nan, 2, 0, 0};
    std::vector<double> x(20), logp(10), se(10), given(32), weight(16), full(6), about(6), odd(6), most(6);
    sgm_given told{};
    const int made = sgm_fit(&c, &t, &o, sgm::key(2)) == SGM_OK &&
        sgm_fitted_sample(&c, x.data(), 10, sgm::key(3)) == SGM_OK &&
        sgm_fitted_logp(&c, logp.data(), se.data(), x.data(), 10, sgm::key(4)) == SGM_OK &&
        sgm_fitted_given(&c, given.data(), weight.data(), 16, gaps.data(), &told, sgm::key(5)) == SGM_OK &&
        sgm_fitted_impute(&c, full.data(), about.data(), gaps.data(), 3, SGM_IMPUTE_MEAN, sgm::key(6)) == SGM_OK &&
        sgm_fitted_anomaly(&c, odd.data(), most.data(), gaps.data(), 3, sgm::key(7)) == SGM_OK;
    sgm_fitted_free(&c);
    CHECK("C's own way", made);

    const sgm::table rows = TAKE(sgm::table::of(data, 2));
    sgm::fitted first = TAKE(sgm::fitted::fit(rows, o, sgm::key(2)));
    const sgm::fitted f = std::move(first);
    CHECK("samples have C's bits", TAKE(f.sample(10, sgm::key(3))) == x);
    std::vector<double> room(20);
    CHECK("also in a span", STATUS(f.sample(room, sgm::key(3))) == SGM_OK && room == x);
    const sgm::estimates e = TAKE(f.logp(x, sgm::key(4)));
    CHECK("log densities have C's bits", e.value == logp && e.se == se);
    const sgm::draws g = TAKE(f.given({gaps.data(), 2}, 16, sgm::key(5), true));
    CHECK("rows given a column have C's bits", g.x == given && g.weight == weight && g.x[0] == 1 && g.told.ess == told.ess);
    const sgm::draws alike = TAKE(f.given({gaps.data(), 2}, 16, sgm::key(5)));
    CHECK("and all alike no weights", alike.weight.empty() && alike.x.size() == 32 && alike.x[30] == 1);
    CHECK("one row is asked about", STATUS(f.given(gaps, 16, sgm::key(5))) == SGM_BAD_ARGUMENT);
    const sgm::estimates filled = TAKE(f.impute(gaps, sgm::key(6), SGM_IMPUTE_MEAN));
    CHECK("gaps are filled with C's bits", filled.value == full && filled.se == about && filled.se[0] == 0 && filled.se[1] > 0);
    const sgm::oddity o3 = TAKE(f.anomaly(gaps, sgm::key(7)));
    odd.resize(3), most.resize(3);
    CHECK("odd rows have C's bits", o3.surprise == odd && o3.quantile == most);
    char text[64];
    const int length = sgm_fitted_print(f.get(), text, sizeof text);
    const std::string whole = f.text();
    CHECK("the text is all of C's", length > 64 && whole.size() == static_cast<std::size_t>(length) &&
          whole.compare(0, 63, text) == 0 && whole.back() != '\0');
    CHECK("the report, and the score of encoded rows", f.report().steps == 100 && f.d() == 2 &&
          f.score().d == f->code.width);

    CHECK("it is saved", STATUS(f.save(file)) == SGM_OK);
    const sgm::fitted again = TAKE(sgm::fitted::open(file));
    CHECK("and opened, with the same bits", TAKE(again.sample(10, sgm::key(3))) == x);
    const sgm::archive archive = TAKE(sgm::archive::make(sgm_archive_load, file.c_str()));
    CHECK("the file is an archive", archive->n_arrays > 0 && sgm_archive_find(archive.get(), "?") == nullptr);

    CHECK("no whole rows", STATUS(f.logp({x.data(), 3}, sgm::key(4))) == SGM_BAD_ARGUMENT &&
          SAID("3 numbers are no whole rows of 2", f.logp({x.data(), 3}, sgm::key(4))));
    CHECK("nor such a table", STATUS(sgm::table::of({data.data(), 3}, 2)) == SGM_BAD_ARGUMENT &&
          STATUS(sgm::table::of(data, 0)) == SGM_BAD_ARGUMENT);
    CHECK("a file that is not there, in the library's words",
          STATUS(sgm::fitted::open(file + ".no")) == SGM_NO_FILE && SAID(file + ".no", sgm::fitted::open(file + ".no")));
    const sgm::fitted empty;
    CHECK("an empty one is refused", STATUS(empty.sample(1, sgm::key(1))) != SGM_OK);
}

static void hooks() {
    const std::vector<double> data = rows_of(200);
    const sgm::table rows = TAKE(sgm::table::of(data, 2));
    int calls = 0;
    auto stop = [&](const sgm_fit_news &news) { return ++calls, news.step > 0; };
    sgm_fit_options o = quick();
    o.steps = 100000;
    const sgm::fitted f = TAKE(sgm::fitted::fit(rows, o, sgm::key(2), stop));
    CHECK("a callable ends a fit", calls > 0 && f.report().stopped == 1 && f.report().steps < 100000);
#ifndef SGM_NO_EXCEPTIONS
    int thrown = 0;
    try {
        (void)sgm::fitted::fit(rows, o, sgm::key(2), [](const sgm_fit_news &) -> bool { throw 42; });
    } catch (int what) {
        thrown = what;
    }
    CHECK("what it throws comes through C and out again", thrown == 42);
#endif
}

static void engine() {
    const double mean[] = {-2, 2}, variance[] = {.25, .25};
    const sgm_sde sde = sgm_sde_vp(0.1, 20);
    sgm::mixture first = TAKE(sgm::mixture::make(sgm_mixture_init, 2, 1, nullptr, mean, variance,
                                                 SGM_COV_ISOTROPIC, &sde));
    const sgm_score score = sgm::score(first);
    const sgm::mixture mix = std::move(first);
    std::vector<float> x(100), y(100);
    CHECK("a score outlives its mixture's move", STATUS(sgm::sample(x, score, {}, sgm::key(5))) == SGM_OK &&
          score.ctx == mix.get());
    sgm_sample(y.data(), 100, &score, nullptr, sgm::key(5));
    CHECK("samples have C's bits", x == y);
    sgm_sample_options o{};
    sgm::sampler run = TAKE(sgm::sampler::make(sgm_sampler_init, &score, 100L, &o, sgm::key(5)));
    sgm_sampler_prior(run.get(), y.data());
    bool fine = true;
    while (!sgm_sampler_done(run.get())) fine = fine && STATUS(sgm::call(sgm_sampler_step, run.get(), y.data())) == SGM_OK;
    CHECK("and so step by step", fine && x == y);
    const std::vector<double> logp = TAKE(sgm::likelihood(x, score, {}, sgm::key(6)));
    CHECK("log p of all", logp.size() == 100 && logp[0] < 0);

    sgm_model_options net{};
    net.net = sgm_mlp, net.d = 1, net.sde = sde, net.n_ema = 1;
    sgm::model model = TAKE(sgm::model::make(sgm_model_init, &net, sgm::key(7)));
    sgm_train_options train{};
    train.steps = 3;
    CHECK("training", STATUS(sgm::train(model, x, train, sgm::key(8))) == SGM_OK && sgm::score(model).which == 0);
    model = sgm::model(); // the old one is freed here
    CHECK("an empty model is refused", STATUS(sgm::train(model, x, train, sgm::key(8))) == SGM_BAD_ARGUMENT);
}

#ifdef REFUSED // each of these lines, and no other, is an error without exceptions
void refused();
void refused() {
    sgm::mixture a, b;
    const std::vector<double> x(2);
    b = a;                                                // refused: a copy
    (void)sgm::score(sgm::mixture());                     // refused: a score of what is gone
    (void)sgm::table::of(std::vector<double>(2), 1);      // refused: a table of what is gone
    (void)sgm::fitted().score();                          // refused: a model's score, the same
    (void)sgm::fitted().sample(x, sgm::key(1));           // refused: samples into what is const
    sgm::fitted().save("x");                              // refused: a status that nobody looks at
}
#endif

static void leak() { // one of several may still lie on the stack
    std::printf("%p leaks\n", static_cast<void *>(new sgm::fitted));
}

int main(int argc, char **argv) {
    spans();
    questions(argc > 1 ? argv[1] : "cpp.safetensors");
    hooks();
    engine();
    for (int i = 0; argc > 2 && i < 9; i++) leak();
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
