"""Classical models: scikit-learn's estimators as architectures, their fitted arrays as modules.

    layers:
      - sklearn/SVC: {kernel: rbf, C: 5, gamma: 0.05}

`catalog` says which estimators and arguments there are, `extract` takes the arrays out of a fitted
one, and each family of arrays has a module that answers as the estimator does: `linear`, `svm`,
`neighbours`, `trees`, `bayes`, `perceptron`. Nothing is ever pickled.
"""
