// fit.cpp - a table becomes a model, and the model answers questions.
//     c++ -O2 -I. -Iexamples/cpp examples/cpp/fit.cpp -o fit -lm && ./fit [TABLE.csv]
#define SGM_IMPLEMENTATION
#include "sgm.hpp"

#include <cstdio>
#include <limits>

// Waiting times at a geyser, as of a mixture: a short eruption, then a short wait; or both long.
static std::vector<double> eruptions(int n) {
    std::vector<float> z(2 * static_cast<std::size_t>(n));
    std::vector<double> x(z.size());
    sgm_normal(z.data(), z.size(), sgm::key(1), 0);
    for (std::size_t i = 0; i < z.size(); i += 2) {
        const bool is_long = i % 3 != 0;
        x[i] = (is_long ? 4.3 : 2.0) + 0.3 * z[i];
        x[i + 1] = (is_long ? 80 : 54) + 4 * z[i] + 5 * z[i + 1];
    }
    return x;
}

int main(int argc, char **argv) try {
    const std::vector<double> made = eruptions(500);
    const sgm::table rows = argc > 1 ? sgm::table::load(argv[1]) : sgm::table::of(made, 2);

    sgm_fit_options options{};
    options.quality = SGM_QUALITY_FAST;
    const auto model = sgm::fitted::fit(rows, options, sgm::key(2), [](const sgm_fit_news &news) {
        std::fprintf(stderr, "\r%s: step %ld of %ld ", news.doing, news.step, news.steps);
        return false; // true would end the fit here
    });
    std::fprintf(stderr, "\n%s", model.text().c_str());

    std::puts("# five new rows, each with its log density");
    const std::size_t d = static_cast<std::size_t>(model.d());
    const std::vector<double> x = model.sample(5, sgm::key(3));
    const sgm::estimates logp = model.logp(x, sgm::key(4));
    for (std::size_t i = 0; i < 5; i++) {
        for (std::size_t j = 0; j < d; j++) std::printf("%.4g ", x[i * d + j]);
        std::printf("%.3f +- %.3f\n", logp.value[i], logp.se[i]);
    }
    std::printf("# five that have %g in the first column\n", x[0]);
    std::vector<double> row(d, std::numeric_limits<double>::quiet_NaN());
    row[0] = x[0];
    const sgm::draws given = model.given(row, 5, sgm::key(5));
    for (std::size_t i = 0; i < given.x.size(); i++)
        std::printf("%.4g%c", given.x[i], (i + 1) % d ? ' ' : '\n');
    model.save("fit.safetensors"); // sgm::fitted::open needs nothing but this file
    return 0;
} catch (const sgm::error &e) {
    std::fprintf(stderr, "%s: %s\n", sgm_status_name(e.status()), e.what());
    return 1;
}
