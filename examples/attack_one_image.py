"""Attack a zero-shot decision, and see where the model's attention went."""

import torch

import zsrobust as zr
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.pixels import read_pixels

dataset = load_dataset("scenes-colours").first(8)
classifier = zr.load_classifier("scenes-tiny", dataset.class_names, dataset.templates)
pixels = read_pixels(dataset, range(8), 56)
labels = torch.tensor(dataset.labels)

result = zr.attack(classifier, pixels, labels, attack="pgd-20", eps="4/255", ids=dataset.ids)
for i, status in enumerate(result.status):
    seen = dataset.class_names[result.predictions[i]]
    print(f"{dataset.ids[i]}  {dataset.class_names[labels[i]]:>8} -> {seen:<8} {status}")

attention = zr.attention_map(classifier, result.pixels, labels)
print("attention:", tuple(attention.shape))
