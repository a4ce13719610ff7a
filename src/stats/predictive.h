/* What an answer is worth where the disease is as frequent as one says: the data set's own shares
 * of the classes are nobody's. */
#ifndef STATS_PREDICTIVE_H
#define STATS_PREDICTIVE_H

/* The share of positive answers that are right, by Bayes's rule; `prevalence` is the share of
 * positives among those asked about. NaN where nothing is answered positive. */
double stats_positive_predictive(double sensitivity, double specificity, double prevalence);
/* The share of negative answers that are right. */
double stats_negative_predictive(double sensitivity, double specificity, double prevalence);

#endif
