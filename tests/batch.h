/*
The batches that a trainer draws, whole, for tests that compute their losses by hand. Every row is
a function of its place in the batch, so that the library's pieces (§4.3), put together, are this.
*/
static sgm__piece batch_of(const sgm_trainer *trainer, long number) {
    static float *memory;
    static long *row;
    static int *label;
    static double *loss;
    const size_t B = (size_t)trainer->o.batch, d = (size_t)trainer->model->o.d;
    const size_t C = (size_t)trainer->model->o.cond;
    sgm__piece p;
    memset(&p, 0, sizeof p);
    free(memory), free(row), free(label), free(loss);
    memory = (float *)calloc(B * (3 * d + 3 + C), sizeof *memory);
    row = (long *)calloc(B, sizeof *row), label = (int *)calloc(B, sizeof *label);
    loss = (double *)calloc(B, sizeof *loss);
    if (!memory || !row || !label || !loss) abort();
    p.batch = (uint64_t)number, p.n = (int)B, p.row = row, p.label = label, p.loss = loss;
    p.x0 = memory, p.eps = p.x0 + B * d, p.x = p.eps + B * d, p.t = p.x + B * d, p.w = p.t + B;
    p.known = p.w + B, p.cond = p.known + B;
    p.ask = sgm__ask_of(trainer->model, SGM_RAW), p.ask.each = 1;
    p.ask.cond = p.cond, p.ask.known = p.known, p.ask.label = p.label;
    sgm__piece_draw(trainer, &p);
    return p;
}

/* The last that has been drawn in a step that was made. */
#define last_batch(trainer) \
    batch_of(trainer, (trainer)->step * (trainer)->o.accumulate - 1)
