"""Part I of sgm.h, as far as the package calls it. declare.py writes this file."""
import ctypes as c

sgm_status = {
    "SGM_OK": 0,
    "SGM_BAD_ARGUMENT": 1,
    "SGM_NO_MEMORY": 2,
    "SGM_NO_FILE": 3,
    "SGM_BAD_FILE": 4,
    "SGM_MISMATCH": 5,
    "SGM_NOT_FINITE": 6,
    "SGM_NOT_LEARNT": 7
}

sgm_method = {
    "SGM_METHOD_AUTO": 0,
    "SGM_METHOD_EULER_MARUYAMA": 1,
    "SGM_METHOD_REVERSE_DIFFUSION": 2,
    "SGM_METHOD_ANCESTRAL": 3,
    "SGM_METHOD_DPM_SDE": 4,
    "SGM_METHOD_CHURN": 5,
    "SGM_METHOD_DDIM": 6,
    "SGM_METHOD_EULER": 7,
    "SGM_METHOD_HEUN": 8,
    "SGM_METHOD_RK4": 9,
    "SGM_METHOD_RK45": 10,
    "SGM_METHOD_ADAMS": 11,
    "SGM_METHOD_DPM_2": 12,
    "SGM_METHOD_DPM_3": 13,
    "SGM_METHOD_DPMPP_2M": 14,
    "SGM_METHOD_DPMPP_3M": 15
}

sgm_kind = {
    "SGM_KIND_AUTO": 0,
    "SGM_KIND_NUMBER": 1,
    "SGM_KIND_INTEGER": 2,
    "SGM_KIND_CATEGORY": 3
}

class sgm_column(c.Structure):
    _fields_ = [
        ("name", c.c_char_p),
        ("kind", c.c_int),
        ("n_levels", c.c_int),
        ("level", c.c_void_p),
    ]

class sgm_fit_news(c.Structure):
    _fields_ = [
        ("doing", c.c_char_p),
        ("step", c.c_long),
        ("steps", c.c_long),
        ("held_loss", c.c_double),
        ("best_loss", c.c_double),
        ("nll", c.c_double),
        ("nll_gauss", c.c_double),
        ("nll_kde", c.c_double),
        ("seconds", c.c_double),
        ("left", c.c_double),
    ]

class sgm_key(c.Structure):
    _fields_ = [
        ("k", c.c_uint32 * 2),
    ]

class sgm_table(c.Structure):
    _fields_ = [
        ("x", c.c_void_p),
        ("weight", c.c_void_p),
        ("column", c.c_void_p),
        ("n", c.c_long),
        ("d", c.c_int),
        ("h", c.c_int),
        ("w", c.c_int),
        ("channels", c.c_int),
        ("memory", c.c_void_p),
    ]

class sgm_code(c.Structure):
    _fields_ = [
        ("columns", c.c_int),
        ("width", c.c_int),
        ("masked", c.c_int),
        ("at", c.c_void_p),
        ("low", c.c_void_p),
        ("high", c.c_void_p),
        ("turn", c.c_void_p),
        ("back", c.c_void_p),
        ("log_turn", c.c_double),
        ("knots", c.c_void_p),
        ("n_knots", c.c_long),
    ]

class sgm_fit_report(c.Structure):
    _fields_ = [
        ("rows", c.c_long),
        ("held", c.c_long),
        ("steps", c.c_long),
        ("best_step", c.c_long),
        ("stopped", c.c_int),
        ("width", c.c_int),
        ("depth", c.c_int),
        ("members", c.c_int),
        ("bent", c.c_int),
        ("turned", c.c_int),
        ("shrink", c.c_double),
        ("sigma_min", c.c_double),
        ("sigma_max", c.c_double),
        ("nll", c.c_double),
        ("nll_se", c.c_double),
        ("nll_gauss", c.c_double),
        ("nll_kde", c.c_double),
        ("method", c.c_int),
        ("sample_steps", c.c_int),
        ("distance", c.c_double),
        ("floor", c.c_double),
        ("memory", c.c_double),
        ("key", c.c_uint32 * 2),
        ("data", c.c_uint32 * 2),
    ]

class sgm_fitted(c.Structure):
    _fields_ = [
        ("table", sgm_table),
        ("code", sgm_code),
        ("model", c.c_void_p),
        ("report", sgm_fit_report),
        ("held_logp", c.c_void_p),
        ("instead", c.c_void_p),
        ("note", c.c_char_p),
        ("own", c.c_void_p),
    ]

sgm_quality = {
    "SGM_QUALITY_AUTO": 0,
    "SGM_QUALITY_FAST": 1,
    "SGM_QUALITY_GOOD": 2,
    "SGM_QUALITY_BEST": 3
}

sgm_aim = {
    "SGM_AIM_AUTO": 0,
    "SGM_AIM_DENSITY": 1,
    "SGM_AIM_SAMPLES": 2
}

class sgm_fit_options(c.Structure):
    _fields_ = [
        ("quality", c.c_int),
        ("aim", c.c_int),
        ("steps", c.c_long),
        ("width", c.c_int),
        ("depth", c.c_int),
        ("members", c.c_int),
        ("patience", c.c_int),
        ("bend", c.c_int),
        ("turn", c.c_int),
        ("sigma_min", c.c_double),
        ("on_step", c.c_void_p),
        ("user", c.c_void_p),
        ("progress", c.c_char_p),
    ]

class sgm_given(c.Structure):
    _fields_ = [
        ("log_evidence", c.c_double),
        ("evidence_se", c.c_double),
        ("ess", c.c_double),
        ("particles", c.c_long),
        ("ancestors", c.c_long),
        ("nfe", c.c_long),
    ]

sgm_impute = {
    "SGM_IMPUTE_DRAW": 0,
    "SGM_IMPUTE_MEAN": 1
}

FUNCTIONS = {
    "sgm_error": (c.c_char_p, []),
    "sgm_key_init": (sgm_key, [
        c.c_uint64,]),
    "sgm_fit": (c.c_int, [
        c.POINTER(sgm_fitted),
        c.POINTER(sgm_table),
        c.POINTER(sgm_fit_options),
        sgm_key,]),
    "sgm_fitted_free": (None, [
        c.POINTER(sgm_fitted),]),
    "sgm_fitted_print": (c.c_int, [
        c.POINTER(sgm_fitted),
        c.c_char_p,
        c.c_size_t,]),
    "sgm_fitted_sample": (c.c_int, [
        c.POINTER(sgm_fitted),
        c.c_void_p,
        c.c_long,
        sgm_key,]),
    "sgm_fitted_logp": (c.c_int, [
        c.POINTER(sgm_fitted),
        c.c_void_p,
        c.c_void_p,
        c.c_void_p,
        c.c_long,
        sgm_key,]),
    "sgm_fitted_given": (c.c_int, [
        c.POINTER(sgm_fitted),
        c.c_void_p,
        c.c_void_p,
        c.c_long,
        c.c_void_p,
        c.POINTER(sgm_given),
        sgm_key,]),
    "sgm_fitted_impute": (c.c_int, [
        c.POINTER(sgm_fitted),
        c.c_void_p,
        c.c_void_p,
        c.c_void_p,
        c.c_long,
        c.c_int,
        sgm_key,]),
    "sgm_fitted_anomaly": (c.c_int, [
        c.POINTER(sgm_fitted),
        c.c_void_p,
        c.c_void_p,
        c.c_void_p,
        c.c_long,
        sgm_key,]),
    "sgm_fitted_memory": (c.c_int, [
        c.POINTER(sgm_fitted),
        c.c_void_p,
        c.POINTER(sgm_table),
        c.c_long,
        sgm_key,]),
    "sgm_fitted_save": (c.c_int, [
        c.POINTER(sgm_fitted),
        c.c_char_p,]),
    "sgm_fitted_open": (c.c_int, [
        c.POINTER(sgm_fitted),
        c.c_char_p,]),
    "sgm_isa": (c.c_char_p, []),
    "sgm_threads": (c.c_int, []),
    "sgm_set_threads": (c.c_int, [
        c.c_int,]),
}
