# What R's vegan says of tables of counts: Rscript vegan.R IN.json OUT.json
suppressMessages({library(vegan); library(jsonlite)})
args <- commandArgs(trailingOnly = TRUE)
asked <- if (args[1] == "-") list() else lapply(fromJSON(args[1]), as.matrix)
data(BCI); data(mite); data(dune)
tables <- c(list(BCI = as.matrix(BCI), mite = as.matrix(mite), dune = as.matrix(dune)), asked)
told <- lapply(tables, function(x) {
  dimnames(x) <- NULL
  a <- suppressWarnings(specaccum(x, "exact", conditioned = FALSE))
  list(
    counts = x, of_all = list(sites = a$sites, richness = a$richness, sd = a$sd),
    pool = as.list(specpool(x)))
})
write_json(told, args[2], digits = NA, auto_unbox = TRUE, matrix = "rowmajor")
