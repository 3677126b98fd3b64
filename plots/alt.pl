# alt(NAME): what a figure shows, for those who do not see it: the comment "# alt: ..." of
# plots/NAME.gp, up to its first empty line; for the grids of images that programs write themselves
# the line of tutorial/book/pictures.tsv. Empty if there is none.
use strict;
use warnings;

sub alt {
    my ($name) = @_;
    for my $file ("plots/$name.gp", 'tutorial/book/pictures.tsv') {
        open my $in, '<', $file or next;
        my $text = do { local $/; <$in> };
        return $1 =~ s/\s*\n#?\s*/ /gr if $file =~ /gp$/ ? $text =~ /^# alt: *(.*(?:\n# .*)*)/m : $text =~ /^\Q$name\E\t(.*)/m;
    }
    return '';
}
1;
