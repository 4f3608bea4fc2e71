#include "data/recipe.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "data/json.h"

#define RECIPES "experiments/recipes.json"

static const char *const optimizer_words[] = {"sgd", "adam", "adamw", NULL};
static const char *const schedule_words[] = {"constant", "step", "cosine", "one_cycle", NULL};

/* Keys are the options' names with '_' for '-'. Limits are inclusive. */
static const struct field {
    const char *name, *argument, *help;
    st_option_kind kind;
    size_t offset;
    double min, max;
    const char *const *words; /* for ST_TEXT */
} fields[ST_RECIPE_FIELDS] = {
#define FIELD(member) offsetof(st_recipe, member)
    {"epochs", "N", "passes over the training pictures", ST_INT, FIELD(epochs), 1, 100000, NULL},
    {"epoch-steps", "N", "batches an epoch; 0: all", ST_INT, FIELD(epoch_steps), 0, 1e9, NULL},
    {"batch", "N", "pictures a step", ST_INT, FIELD(batch), 1, 65536, NULL},
    {"seed", "N", "decides first weights, order, augmentation and dropout", ST_INT, FIELD(seed), 0,
     9007199254740992.0, NULL},
    {"lr", "X", "the highest learning rate", ST_REAL, FIELD(lr), 1e-12, 1000, NULL},
    {"optimizer", "NAME", "sgd, adam or adamw", ST_TEXT, FIELD(optimizer), 0, 0, optimizer_words},
    {"momentum", "X", "of sgd", ST_REAL, FIELD(momentum), 0, 0.9999, NULL},
    {"nesterov", NULL, "Nesterov's form of momentum", ST_FLAG, FIELD(nesterov), 0, 0, NULL},
    {"weight-decay", "X", "of convolution and fully connected weights", ST_REAL,
     FIELD(weight_decay), 0, 10, NULL},
    {"schedule", "NAME", "constant, step, cosine or one_cycle", ST_TEXT, FIELD(schedule), 0, 0,
     schedule_words},
    {"warmup", "X", "share of the steps in which the rate rises", ST_REAL, FIELD(warmup), 0, 0.95,
     NULL},
    {"label-smoothing", "X", "share of the target spread over all classes", ST_REAL,
     FIELD(label_smoothing), 0, 0.9, NULL},
    {"crop", "N", "shift pictures by up to N pixels", ST_INT, FIELD(crop), 0, 1024, NULL},
    {"flip", NULL, "mirror every second picture", ST_FLAG, FIELD(flip), 0, 0, NULL},
    {"erase", "X", "probability of erasing a rectangle", ST_REAL, FIELD(erase), 0, 1, NULL},
    {"average", "X", "keep a moving average of the weights with this decay a step", ST_REAL,
     FIELD(average), 0, 0.99999, NULL},
    {"iterations", "N", "iterations of ADMM, an epoch's batches each", ST_INT, FIELD(iterations), 1,
     100000, NULL},
    {"rho", "X", "pull towards the projection, at first", ST_REAL, FIELD(rho), 1e-9, 1e6, NULL},
    {"rho-last", "X", "and in the last stage", ST_REAL, FIELD(rho_last), 1e-9, 1e6, NULL},
    {"rho-stages", "N", "values of rho from first to last", ST_INT, FIELD(rho_stages), 1, 1000,
     NULL},
    {"admm-lr", "X", "learning rate in ADMM", ST_REAL, FIELD(admm_lr), 1e-12, 1000, NULL},
    {"admm-schedule", "NAME", "of that rate, over all iterations", ST_TEXT, FIELD(admm_schedule), 0,
     0, schedule_words},
#undef FIELD
};

void st_recipe_options(st_recipe *recipe, st_option *options, int count)
{
    for (int i = 0; i < count; i++)
        options[i] =
            (st_option){fields[i].name,     fields[i].kind, (char *)recipe + fields[i].offset,
                        fields[i].argument, fields[i].help, fields[i].min,
                        fields[i].max};
}

static void key_of(const struct field *field, char key[32])
{
    size_t i = 0;
    for (; field->name[i] && i < 31; i++)
        key[i] = field->name[i] == '-' ? '_' : field->name[i];
    key[i] = '\0';
}

static int find_word(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(words[i], word)) return i;
    return -1;
}

static bool take_value(const struct field *field, const cJSON *value, void *target)
{
    double number = value->valuedouble;
    bool in_range = cJSON_IsNumber(value) && number >= field->min && number <= field->max;
    switch (field->kind) {
    case ST_INT:
        if (!in_range || number != floor(number)) return false;
        *(int64_t *)target = (int64_t)number;
        return true;
    case ST_REAL:
        if (!in_range) return false;
        *(double *)target = number;
        return true;
    case ST_FLAG:
        if (!cJSON_IsBool(value)) return false;
        *(bool *)target = cJSON_IsTrue(value);
        return true;
    case ST_TEXT: {
        int word = cJSON_IsString(value) ? find_word(field->words, value->valuestring) : -1;
        if (word < 0) return false;
        *(const char **)target = field->words[word];
        return true;
    }
    }
    return false;
}

static cn_status apply(const cJSON *entry, st_recipe *recipe, cn_error *error)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, entry)
    {
        int i = 0;
        char key[32] = "";
        for (; i < ST_RECIPE_FIELDS; i++) {
            key_of(&fields[i], key);
            if (!strcmp(key, item->string)) break;
        }
        if (i == ST_RECIPE_FIELDS)
            return cn_fail(error, CN_EFORMAT, RECIPES ": '%s': there is no key '%s'", entry->string,
                           item->string);
        if (!take_value(&fields[i], item, (char *)recipe + fields[i].offset))
            return cn_fail(error, CN_EFORMAT, RECIPES ": '%s': the value of '%s' is not one of %s",
                           entry->string, key, fields[i].help);
    }
    return CN_OK;
}

cn_status st_recipe_load(const char *model, const char *scale, bool compression, const char *name,
                         st_recipe *recipe, cn_error *error)
{
    *recipe = (st_recipe){.epochs = 10,
                          .batch = 128,
                          .seed = 1,
                          .lr = 0.1,
                          .optimizer = optimizer_words[0],
                          .schedule = schedule_words[3],
                          .iterations = 10,
                          .rho = 1e-3,
                          .rho_last = 1e-1,
                          .rho_stages = 3,
                          .admm_lr = 0.01,
                          .admm_schedule = schedule_words[0]};
    char *path = st_home_path(RECIPES), *own = cn_sprintf("%s-%s", model, scale);
    char *for_scale = cn_sprintf("compress-%s", scale), *for_own = cn_sprintf("compress-%s", own);
    cJSON *json = NULL;
    cn_status status = path && own && for_scale && for_own
                           ? st_json_read(path, &json, error)
                           : cn_fail(error, CN_ENOMEM, "out of memory");
    const char *const names[] = {"default", scale, own, "compress", for_scale, for_own, name};
    enum { NAMES = sizeof names / sizeof *names, FIRST_OF_COMPRESSION = 3, NAMED = NAMES - 1 };
    for (int i = 0; i < NAMES && status == CN_OK; i++) {
        if (!names[i] || (!compression && i >= FIRST_OF_COMPRESSION && i < NAMED)) continue;
        const cJSON *entry = cJSON_GetObjectItemCaseSensitive(json, names[i]);
        if (entry)
            status = apply(entry, recipe, error);
        else if (i == NAMED)
            status = cn_fail(error, CN_EINVAL, RECIPES ": there is no recipe '%s'", name);
    }
    cJSON_Delete(json);
    cn_free(path);
    cn_free(own);
    cn_free(for_scale);
    cn_free(for_own);
    return status;
}

cn_status st_recipe_fit(const st_recipe *recipe, bool admm, cn_fit_options *fit, cn_error *error)
{
    const char *word = admm ? recipe->admm_schedule : recipe->schedule;
    int optimizer = find_word(optimizer_words, recipe->optimizer);
    int schedule = find_word(schedule_words, word);
    if (optimizer < 0)
        return cn_fail(error, CN_EINVAL, "there is no optimizer '%s'; choose sgd, adam or adamw",
                       recipe->optimizer);
    if (schedule < 0)
        return cn_fail(error, CN_EINVAL,
                       "there is no schedule '%s'; choose constant, step, cosine or one_cycle",
                       word);
    *fit = cn_fit_defaults();
    fit->epochs = (int32_t)recipe->epochs;
    fit->epoch_steps = recipe->epoch_steps;
    fit->seed = (uint64_t)recipe->seed;
    fit->optimizer.kind = (cn_optimizer_kind)optimizer;
    fit->optimizer.momentum = (float)recipe->momentum;
    fit->optimizer.nesterov = recipe->nesterov;
    fit->optimizer.weight_decay = (float)recipe->weight_decay;
    fit->schedule = (cn_schedule){(cn_schedule_kind)schedule, admm ? recipe->admm_lr : recipe->lr,
                                  admm ? 0 : recipe->warmup};
    fit->augment = (cn_augment){(int32_t)recipe->crop, recipe->flip, (float)recipe->erase};
    fit->label_smoothing = (float)recipe->label_smoothing;
    fit->average = (float)recipe->average;
    return CN_OK;
}

char *st_recipe_text(const st_recipe *recipe, int count)
{
    cJSON *object = cJSON_CreateObject();
    for (int i = 0; object && i < count; i++) {
        const void *value = (const char *)recipe + fields[i].offset;
        char key[32];
        key_of(&fields[i], key);
        switch (fields[i].kind) {
        case ST_INT:
            cJSON_AddNumberToObject(object, key, (double)*(const int64_t *)value);
            break;
        case ST_REAL:
            cJSON_AddNumberToObject(object, key, *(const double *)value);
            break;
        case ST_FLAG:
            cJSON_AddBoolToObject(object, key, *(const bool *)value);
            break;
        case ST_TEXT:
            cJSON_AddStringToObject(object, key, *(const char *const *)value);
            break;
        }
    }
    char *json = object ? cJSON_PrintUnformatted(object) : NULL;
    char *text = json ? cn_strdup(json) : NULL;
    cJSON_free(json);
    cJSON_Delete(object);
    return text;
}
