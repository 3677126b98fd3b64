// "Show this as C": the program that does what the page did, with the same keys.
function sgmProgram(set, centres, done, link) {
    const family = [, 'vp', 'cosine', 'subvp', 've', 'edm', 'rectified'][set.sde];
    const two = ['vp', 'subvp', 've', 'edm'].includes(family) ? set.a + ', ' + set.b : '';
    const pick = (prefix, list, i) => i > 0 ? prefix + list[i] : '';
    const output = pick('SGM_OUTPUT_', [, 'NOISE', 'SCORE', 'X0', 'V', 'FLOW', 'EDM_F'],
        set.output);
    const activation = pick('SGM_ACTIVATION_', [, 'RELU', 'SILU', 'TANH', 'GELU', 'SOFTPLUS',
        'SIGMOID'],
        set.activation);
    const objective = pick('SGM_OBJECTIVE_', [, 'ESM', 'ISM', 'SSM', 'SSM_VR'], set.objective);
    const weight = pick('SGM_WEIGHT_', [, 'SIGMA2', 'ONE', 'G2', 'EDM', 'MIN_SNR', 'FLOW'],
        set.weight);
    const times = pick('SGM_TIMES_', [, 'UNIFORM', 'STRATIFIED', 'GRID', 'LOGNORMAL', 'LOGIT',
        'IMPORTANCE'], set.times);
    const optimiser = pick('SGM_OPTIMISER_', [, 'ADAMW', 'ADABELIEF', 'SGD'], set.optimiser);
    const method = pick('SGM_METHOD_', [, 'EULER_MARUYAMA', 'REVERSE_DIFFUSION', 'ANCESTRAL',
        'DPM_SDE',
        'CHURN', 'DDIM', 'EULER', 'HEUN', 'RK4', 'RK45', 'ADAMS', 'DPM_2', 'DPM_3', 'DPMPP_2M',
        'DPMPP_3M'], set.method);
    const grid = pick('SGM_GRID_', [, 'UNIFORM', 'LOGSNR', 'EDM', 'QUADRATIC'], set.grid);
    const fill = (...fields) => fields.filter(([, v]) => v !== '' && v !== 0 && v !== undefined)
        .map(([name, v]) => '.' + name + ' = ' + v).join(', ');
    // a struct's fields in lines of at most 90 columns
    const wrap = (head, body) => {
        const lines = [head];
        for (const word of body.split(/(?<=,) /)) {
            if ((lines[lines.length - 1] + ' ' + word).length > 90) lines.push('        ' + word);
            else lines[lines.length - 1] += (/[{]$/.test(lines[lines.length - 1])
                ? '' : ' ') + word;
        }
        return lines.join('\n') + '};';
    };
    const given = set.shape === 4, classes = set.classes > 0, guided = classes && set.label >= 0;
    const numbers = (list, per) => {
        const lines = [];
        for (let i = 0; i < list.length; i += per) lines.push('        ' + list.slice(i,
            i + per).join(', '));
        return '{\n' + lines.join(',\n') + '}';
    };
    const c = [];
    c.push('/* What playground.html of sgm.h does with the settings',
        '       ' + link.replace(/\*\//g, ''),
        '   as a program. Beside sgm.h: cc -O2 this.c -lm && ./a.out */',
        '#define SGM_IMPLEMENTATION', '#include "sgm.h"', '',
        'static void must(sgm_status status) {',
        '    if (status) fprintf(stderr, "%s\\n", sgm_error()), exit(1);', '}', '',
        'static void drawn(sgm_status status) { /* far from the data: also a result */',
        '    if (status != SGM_NOT_LEARNT) must(status);', '}', '',
        'static void show(const char *whose, const float *x, int n) { /* a hash of the bits (FNV-1a) */',
        '    const unsigned char *byte = (const unsigned char *)x;',
        '    unsigned first[4] = {0};',
        '    uint64_t h = 14695981039346656037ULL;',
        '    for (size_t i = 0; i < (size_t)n * 2 * sizeof *x; i++) h = (h ^ byte[i]) * 1099511628211ULL;',
        '    memcpy(first, x, (n > 1 ? 4 : 2) * sizeof *x);',
        '    printf("%s %016llx first %08x %08x %08x %08x (%g, %g)\\n", whose, (unsigned long long)h,',
        '        first[0], first[1], first[2], first[3], x[0], x[1]);', '}', '',
        'int main(void) {',
        `    enum { K = ${set.k}, N = ${set.n}, JUDGES = 1000, POINTS = ${set.points} };`);
    if (given) c.push('    static const float centre[2 * K] = '
        + numbers(centres.map(p => p[0] + ', ' + p[1]), 5) + ';');
    else c.push('    static float centre[2 * K];');
    if (classes) c.push(given ? '    static const int side[K] = ' + numbers(centres.map(p => p[2]),
        30) + ';'
        : '    static int side[K];');
    c.push('    static float data[2 * N], judges[2 * JUDGES], x[2 * POINTS];',
        '    static double mean[2 * K]' + (set.blur > 0 ? ', var[K];' : ';'));
    if (classes) c.push('    static float cond[2 * N];', '    static int part[N], label[N];');
    c.push(`    const sgm_key key = sgm_key_init(${set.key});`,
        `    const sgm_sde sde = sgm_sde_${family}(${two});`, '');
    const shape = ['ring(centre, K)', 'moons(centre, K, 0, sgm_key_split(key, 0))',
        'swiss_roll(centre, K, 0, sgm_key_split(key, 0))',
        'checkerboard(centre, K, sgm_key_split(key, 0))'][set.shape];
    c.push(`    /* The law: K equal Gaussians${set.blur > 0 ? ' of standard deviation ' + set.blur : ' without width: points'}. */`);
    if (!given) c.push(`    sgm_data_${shape};`);
    if (classes && set.shape === 1) c.push('    for (int i = 0; i < K; i++) {',
        '        const double a = centre[2 * i], b = centre[2 * i + 1];',
        '        side[i] = fabs(a * a + b * b - 1) < 1e-5;', '    }');
    else if (classes && !given)
        c.push('    for (int i = 0; i < K; i++) side[i] = centre[2 * i] > 0;');
    c.push('    for (int i = 0; i < K; i++) {',
        '        mean[2 * i] = centre[2 * i], mean[2 * i + 1] = centre[2 * i + 1];',
        ...(set.blur > 0 ? [`        var[i] = ${set.blur} * ${set.blur};`] : []), '    }',
        '    sgm_mixture law;',
        '    must(sgm_mixture_init(&law, K, 2, NULL, mean, ' + (set.blur > 0
            ? 'var, SGM_COV_ISOTROPIC'
            : 'NULL, SGM_COV_POINTS') + ', &sde));',
        `    must(sgm_mixture_sample(&law, data, ${classes ? 'part' : 'NULL'}, N, 0, sgm_key_split(key, 1)));`,
        '    must(sgm_mixture_sample(&law, judges, NULL, JUDGES, 0, sgm_key_split(key, 4)));');
    if (classes) c.push('    for (int i = 0; i < N; i++) label[i] = side[part[i]];',
        '    must(sgm_one_hot(cond, label, N, 2));');
    c.push('    sgm_score exact = sgm_mixture_score(&law);', '', '    /* The network learns. */',
        '    sgm_mlp_options shape = {' + fill(['width', set.width], ['depth', set.depth],
            ['activation', activation]) + '};',
        wrap('    sgm_model_options net = {', fill(['net', set.net
            ? 'sgm_residual_mlp' : 'sgm_mlp'],
            ['user', '&shape'], ['d', 2], ['sde', 'sde'], ['output', output], ['n_ema', 1],
            ['cond', classes ? 2 : 0])),
        wrap('    sgm_train_options how = {', fill(['steps', set.steps], ['batch', set.batch],
            ['lr', set.lr],
            ['cosine', set.cosine ? 1 : 0], ['optimiser', optimiser], ['held_out', -1],
            ['loss.objective', objective],
            ['loss.exact', set.objective === 1 ? '&exact' : ''], ['loss.weight', weight],
            ['loss.times', times], ['cond', classes ? 'cond' : ''], ['cond_dropout', classes ? 0.2
                : 0])),
        '    sgm_model model;', '    sgm_trainer trainer;',
        '    must(sgm_model_init(&model, &net, sgm_key_split(key, 2)));',
        '    must(sgm_trainer_init(&trainer, &model, data, N, &how, sgm_key_split(key, 3)));',
        `    while (trainer.step < ${done}) must(sgm_trainer_step(&trainer));`,
        '    printf("step %ld loss %.17g\\n", trainer.step, trainer.slow_loss);', '',
        '    /* It is held against the truth, on points that it has not learnt from. */',
        '    sgm_score learnt = sgm_model_score(&model, 0);', '    sgm_dsm_result r;',
        '    must(sgm_dsm(&r, &learnt, &exact, judges, JUDGES, &trainer.o.loss, 500,',
        '        sgm_key_split(key, 5)));',
        '    printf("loss %.17g floor %.17g excess %.17g +- %.2g\\n", r.loss, r.floor, r.excess,',
        '        r.excess_se);', '');
    if (guided) {
        c.push('    /* Guided to one class, with strength γ. */',
            `    const int wish = ${set.label};`, '    float one[2];', '    int n = 0;',
            '    sgm_condition condition;', '    sgm_mixture of_side;', '    sgm_guided guided[2];',
            '    sgm_score all = learnt, other;',
            '    must(sgm_one_hot(one, &wish, 1, 2));',
            '    must(sgm_condition_init(&condition, &model, 0, one, 1));',
            '    other = sgm_condition_score(&condition);',
            `    must(sgm_guided_init(&guided[0], &all, &other, 0, ${set.gamma}));`,
            '    learnt = sgm_guided_score(&guided[0]);',
            '    for (int i = 0; i < K; i++)',
            '        if (side[i] == wish) mean[2 * n] = centre[2 * i], mean[2 * n + 1] = centre[2 * i + 1], n++;',
            '    must(sgm_mixture_init(&of_side, n, 2, NULL, mean, ' + (set.blur > 0
                ? 'var, SGM_COV_ISOTROPIC' : 'NULL, SGM_COV_POINTS') + ', &sde));',
            '    all = exact, other = sgm_mixture_score(&of_side);',
            `    must(sgm_guided_init(&guided[1], &all, &other, 0, ${set.gamma}));`,
            '    exact = sgm_guided_score(&guided[1]);', '');
    }
    c.push('    /* Samples by both scores, from the same noise. */',
        '    sgm_sample_options draw = {' + (fill(['method', method], ['steps', set.evals],
            ['grid', grid],
            ['eta', set.eta]) || '.steps = 0') + '};',
        '    drawn(sgm_sample(x, POINTS, &learnt, &draw, sgm_key_split(key, 6)));',
        '    show("learnt", x, POINTS);',
        '    drawn(sgm_sample(x, POINTS, &exact, &draw, sgm_key_split(key, 6)));',
        '    show("exact", x, POINTS);');
    if (guided) c.push('    sgm_mixture_free(&of_side);');
    c.push('    sgm_trainer_free(&trainer), sgm_model_free(&model), sgm_mixture_free(&law);',
        '    return 0;', '}', '');
    return c.join('\n');
}
