"""What a classifier would call each superpixel: shares of groups of ImageNet's classes (docs/method.md, section 3).

A network that was trained to name what a picture shows ends in weights that say which of its features speak for which
name. Principal components keep where a few photographs differ, and lose these directions; the names keep them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from vfxstyle.arrays import FloatArray, HalfArray

CLASSIFIER = Path(__file__).parent / "networks" / "efficientnet_lite0_classifier.safetensors"
"""The last layer of EfficientNet-Lite0: ``weight``, float16 (1000, 1280), and ``bias``, float32 (1000,)."""
GROUPS = {
    "fish": "0-6 389-397",
    "land birds": "7-24 80-96 138",
    "water birds": "97-100 127-137 139-146",
    "reptiles": "25-68",
    "insects and spiders": "69-79 300-326",
    "small sea animals": "107-126 327-329 973",
    "sea mammals": "147-150",
    "dogs and foxes": "151-280",
    "cats": "281-293",
    "small mammals": "102-106 298-299 330-338 356-364",
    "large mammals": "101 294-297 339-355 385-388",
    "apes": "365-384",
    "cars": "407-408 436 468 475 479 511 535 555 561 569 573 575 581 586 595 609 627 654 656 661 675 717 734 751 757 "
    "779 785 802-803 817 847 856 864 866-867 874",
    "two-wheelers": "444 665 670-671 870 880",
    "carts": "428 450 537 603 612 690 730 791",
    "trains": "466 547 565 705 820 829",
    "boats": "403 472 484 510 554 576 625 628 693 724 780 814 833 871 913-914",
    "aircraft": "404-405 417 657 701 812 895 908",
    "people and clothes": "399-400 411 414 443 445 451 457 459 461 465 474 490 501 524 529 552 568 578 601 608 610 "
    "614 617 638-639 652 655 689 697 735 775 824 834 841-842 869 885 887 906 911 981-983",
    "on heads": "433 439 452 515 518 551 560 570 584 629 643 667 678 691 715 793 796 801 808 836-837 903",
    "on hands and feet": "496 502 514 615 630 658 770 774 806",
    "sports": "416 422 429-430 522 543 574 602 702 722 746-747 752 768 795 805 843 852 890",
    "music": "401-402 420 432 486 513 541-542 546 558 566 577 579 593-594 641-642 650 683-684 687 699 776 819 822 875 "
    "881 889",
    "tools and arms": "413 447 456 462 471 487 491 499 523 587 596 726 740 744 759 763-764 784 792 879",
    "buildings": "406 415 424-425 442 449 454 467 483 497-498 500 509 538 580 582 624 634 660 663 668 672 698 706 727 "
    "743 762 788 832 853 858 860 865 873 884 915",
    "bridges and masts": "437 460 517 525 536 540 557 562 649 682 718 733 755 807 821 835 839 863 888 900",
    "walls and fences": "458 489 640 716 781 789 799 825 877 904-905 912",
    "on streets": "412 571 637 703-704 707 818 886 919-920",
    "in rooms": "423 431 435 453 492-493 495 516 520 526-527 532 534 548 553 556 559 564 598 619-620 648 651 664 681 "
    "721 760 765 782 794 827 831 846 851 854 857 861 876 894 896-897",
    "vessels": "427 438 440-441 463 469 504-505 544 567 572 647 659 725 737-738 756 809 849 868 883 898-899 901 907 "
    "909 923 968",
    "food": "924-935 959-967 969",
    "plants": "936-958 984-998",
    "landscapes": "970 972 974-980",
}
"""Groups of the classes of ImageNet 2012, by their numbers in its order, from 0; what is left is a group of its own.

Presets of format 7 expect these groups in this order: other ones need blocks of another name, and another format."""
GROUP_COUNT = len(GROUPS) + 1
"""Groups, with that of what is left."""
SHARES_SIZE = 2 * GROUP_COUNT
"""Numbers that say what a superpixel would be called: the logarithm of each group's share, and the share itself."""
_CLASSES = 1000
_BATCH = 4096  # superpixels that are named at once: their names take 16 MB


@cache
def group_members() -> tuple[tuple[int, ...], ...]:
    """The classes of each group, by their numbers; each is in one group."""
    groups = [tuple(n for part in text.split() for n in _numbers(part)) for text in GROUPS.values()]
    named = {number for group in groups for number in group}
    return (*groups, tuple(number for number in range(_CLASSES) if number not in named))


def _numbers(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)


def class_shares(semantic: HalfArray) -> FloatArray:
    """Logarithms of the shares of the groups of classes, and the shares, float32 (N, :data:`SHARES_SIZE`).

    A share says what is there; its logarithm also what could be there where something else is likelier.

    semantic: float16 (N, 1280), means of the semantic layer of EfficientNet-Lite0. Raises ValueError for features of
    another length.
    """
    weight, bias = _classifier()
    if semantic.shape[1:] != weight.shape[:1]:
        raise ValueError(f"the classifier takes {len(weight)} features, not {semantic.shape[1:]}")
    shares = np.empty((len(semantic), SHARES_SIZE), np.float32)
    for first in range(0, len(semantic), _BATCH):
        part = slice(first, first + _BATCH)
        scores = semantic[part].astype(np.float32) @ weight + bias
        scores -= scores.max(axis=1, keepdims=True)
        exponentials = np.exp(scores, out=scores)
        sums = np.stack([exponentials[:, own].sum(axis=1) for own in group_members()], axis=1)
        sums = np.maximum(sums / sums.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        shares[part] = np.concatenate([np.log(sums), sums], axis=1)
    return shares


@cache
def _classifier() -> tuple[FloatArray, FloatArray]:
    """Weights, float32 (1280, 1000), and biases, float32 (1000,)."""
    tensors = load_file(CLASSIFIER)
    return np.ascontiguousarray(tensors["weight"].T, np.float32), tensors["bias"]
