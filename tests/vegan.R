# What R's vegan says of tables of counts: Rscript vegan.R IN.json OUT.json
suppressMessages({library(vegan); library(jsonlite)})
args <- commandArgs(trailingOnly = TRUE)
asked <- if (args[1] == "-") list() else lapply(fromJSON(args[1]), as.matrix)
data(BCI); data(mite); data(dune)
tables <- c(list(BCI = as.matrix(BCI), mite = as.matrix(mite), dune = as.matrix(dune)), asked)
told <- lapply(tables, function(x) {
  dimnames(x) <- NULL
  set.seed(1)
  orders <- as.matrix(shuffleSet(nrow(x), 20))
  dimnames(orders) <- NULL
  curve <- function(...) suppressWarnings({ a <- specaccum(x, ...); list(sites = a$sites, richness = a$richness, sd = a$sd) })
  sizes <- c(2, min(rowSums(x)), max(2, max(rowSums(x)) %/% 3))
  list(
    counts = x, orders = orders - 1,
    exact = curve("exact"), of_all = curve("exact", conditioned = FALSE), random = curve("random", permutations = orders),
    rarefaction = curve("rarefaction"), coleman = curve("coleman"),
    pool = as.list(specpool(x)), estimates = t(apply(x, 1, estimateR)),
    sizes = sizes, rarefied = lapply(sizes, function(size) t(suppressWarnings(rarefy(x, size, se = TRUE)))))
})
write_json(told, args[2], digits = NA, auto_unbox = TRUE, matrix = "rowmajor")
