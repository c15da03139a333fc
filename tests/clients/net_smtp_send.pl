#!/usr/bin/perl
# Reads a job as JSON on standard input, carries it out with Net::SMTP, and prints
# each step with its reply as JSON. See net_smtp.py for the fields.
use strict;
use warnings;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use Net::SMTP;

my $job = decode_json(do { local $/; <STDIN> });
my @steps;
my %tls = (
    SSL_ca_file         => $job->{ca_file},
    SSL_verifycn_name   => $job->{host},
    SSL_verifycn_scheme => 'smtp',
    SSL_verify_mode     => 1,
);
my $smtp;

sub finish {
    print encode_json(\@steps);
    exit 0;
}

sub step {
    my ($name, $ok, $needed) = @_;
    push @steps, {
        step => $name,
        ok   => $ok ? JSON::PP::true : JSON::PP::false,
        code => $smtp ? int($smtp->code) : 0,
        text => $smtp ? join('', $smtp->message) : $@,
    };
    finish() if $needed && !$ok;
}

sub authenticate {
    my ($login) = @_;
    require Authen::SASL;
    my $sasl = Authen::SASL->new(
        mechanism => $login->{mechanism} || 'PLAIN LOGIN CRAM-MD5',
        callback  => { user => $login->{user}, authname => $login->{user}, pass => $login->{secret} },
    );
    return $smtp->auth($sasl);
}

$smtp = Net::SMTP->new(
    $job->{host},
    Port    => $job->{port},
    Hello   => $job->{hello},
    Timeout => $job->{timeout},
    Debug   => 1,
    SSL     => $job->{tls} eq 'implicit' ? 1 : 0,
    $job->{tls} eq 'implicit' ? %tls : (),
);
step('connect', $smtp, 1);
step('starttls', $smtp->starttls(%tls), 1) if $job->{tls} eq 'starttls';
step('auth', authenticate($job->{login}), 1) if $job->{login};
for my $mail (@{ $job->{mails} }) {
    # Net::SMTP sends octets: these addresses are UTF-8.
    utf8::encode($_) for $mail->{sender}, @{ $mail->{recipients} };
    step('mail', $smtp->mail($mail->{sender}, %{ $job->{mail_options} }), 1);
    for my $recipient (@{ $mail->{recipients} }) {
        step('rcpt', $smtp->recipient($recipient, $job->{rcpt_options}), 0);
    }
    my $content = decode_base64($mail->{content});
    step('data', $smtp->data([ split /(?<=\n)/, $content ]), 0);
}
step('quit', $smtp->quit, 0);
finish();
