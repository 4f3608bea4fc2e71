/* The commands: one file each in this folder, one row each here, in the order of the help. */
#ifndef HARNESS_COMMANDS_H
#define HARNESS_COMMANDS_H

/* X(name, function, one line of help). A command gets argc and argv with argv[0] its own name and
 * returns the exit status. */
#define ST_COMMANDS(X) \
    X(run, st_command_run, "measure networks and record every sample") \
    X(infer, st_command_infer, "one forward pass on raw numbers, from file to file") \
    X(bench, st_command_bench, "latency against the machine's limits and other engines") \
    X(tune, st_command_tune, "time the ways that layers can go, and keep the fastest") \
    X(train, st_command_train, "train a network and write its weights and log") \
    X(compress, st_command_compress, "prune and quantize a trained network, with training") \
    X(calibrate, st_command_calibrate, "compress a network after training, on some hundred images") \
    X(storage, st_command_storage, "what pruned weights take on disk, for every scheme") \
    X(plot, st_command_plot, "draw the figures from the database") \
    X(report, st_command_report, "write PAPER.md from the database") \
    X(env, st_command_env, "the machine, the build and the libraries, as stored beside a result") \
    X(models, st_command_models, "the networks with their sizes") \
    X(show, st_command_show, "the layers of one network") \
    X(data, st_command_data, "the data sets: which are here, and getting them") \
    X(compare, st_command_compare, "the ratio of two cells' latencies, with its interval") \
    X(audit, st_command_audit, "check that timed runs are honest work") \
    X(export, st_command_export, "the database as text, networks as ONNX, weights in another format") \
    X(verify, st_command_verify, "check that summaries and details of the database agree") \
    X(import, st_command_import, "turn trained weights of another project into ours") \
    X(weights, st_command_weights, "trained weights that are known, and importing them") \
    X(doctor, st_command_doctor, "what is missing on this machine for which feature") \
    X(version, st_command_version, "version, commit, compiler and instruction sets")

#define X(name, function, help) int function(int argc, char **argv);
ST_COMMANDS(X)
#undef X

#endif
