"""Is a model robust, or are its gradients masked? Short runs that a masked model fails."""
